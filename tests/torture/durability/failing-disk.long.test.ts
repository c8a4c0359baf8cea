import { testTorture } from '../engine/test-torture.ts'

testTorture('failing-disk', { seconds: 8, controlSeconds: 20 })
