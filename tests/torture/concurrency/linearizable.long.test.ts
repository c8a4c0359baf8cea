import { testTorture } from '../engine/test-torture.ts'

testTorture('linearizable', { seconds: 4, controlSeconds: 15 })
