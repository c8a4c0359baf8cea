import { testTorture } from '../engine/test-torture.ts'

testTorture('races', { seconds: 5, controlSeconds: 12 })
