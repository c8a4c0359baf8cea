import { testTorture } from './test-torture.ts'

testTorture('linearizable', { seconds: 4, controlSeconds: 15 })
