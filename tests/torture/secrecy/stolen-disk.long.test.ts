import { testTorture } from '../engine/test-torture.ts'

testTorture('stolen-disk', { seconds: 2, controlSeconds: 1 })
