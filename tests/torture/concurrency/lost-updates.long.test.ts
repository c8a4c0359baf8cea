import { testTorture } from '../engine/test-torture.ts'

testTorture('lost-updates', { seconds: 3, controlSeconds: 10 })
