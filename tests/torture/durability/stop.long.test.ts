import { testTorture } from '../engine/test-torture.ts'

testTorture('stop', { seconds: 6, controlSeconds: 3 })
