import { openMemoryStore } from '../kit/store/memory-store.ts'
import { testStoreContract } from '../kit/store/store-contract.ts'
import { testStoreContractOfLimit } from '../kit/store/store-contract-limit.ts'
import { testStoreContractOfUsers } from '../kit/store/store-contract-users.ts'

testStoreContract('memory', async () => openMemoryStore())
testStoreContract('memory, patient', async () => openMemoryStore({ patient: true }))
testStoreContractOfUsers('memory', async (given) => openMemoryStore(given))
testStoreContractOfLimit('memory', async (given) => openMemoryStore(given))
