import { openMemoryStore } from './support/memory-store.ts'
import { testStoreContract } from './support/store-contract.ts'
import { testStoreContractOfLimit } from './support/store-contract-limit.ts'
import { testStoreContractOfUsers } from './support/store-contract-users.ts'

testStoreContract('memory', async () => openMemoryStore())
testStoreContract('memory, patient', async () => openMemoryStore({ patient: true }))
testStoreContractOfUsers('memory', async (given) => openMemoryStore(given))
testStoreContractOfLimit('memory', async (given) => openMemoryStore(given))
