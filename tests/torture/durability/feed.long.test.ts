import { testTorture } from '../engine/test-torture.ts'

testTorture('feed', { seconds: 6, controlSeconds: 8 })
