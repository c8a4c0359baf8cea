import { testTorture } from './test-torture.ts'

testTorture('slow-clients', { seconds: 1 })
