import { testStore } from '../contract/contract.ts'
import { openMemoryStore } from '../kit/store/memory-store.ts'

testStore('memory', async (given) => openMemoryStore(given))
testStore('memory, patient', async (given) => openMemoryStore({ ...given, patient: true }))
