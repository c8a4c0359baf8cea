import { testTorture } from '../engine/test-torture.ts'

testTorture('oversized', { seconds: 1 })
