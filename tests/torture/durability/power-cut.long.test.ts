import { testTorture } from '../engine/test-torture.ts'

testTorture('power-cut', { seconds: 5, controlSeconds: 3 })
