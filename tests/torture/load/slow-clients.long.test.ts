import { testTorture } from '../engine/test-torture.ts'

testTorture('slow-clients', { seconds: 1 })
