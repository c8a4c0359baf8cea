import { openMemoryStore } from './support/memory-store.ts'
import { testStoreContract } from './support/store-contract.ts'

testStoreContract('memory', async () => openMemoryStore())
