import { testTorture } from '../engine/test-torture.ts'

testTorture('forged-tokens', { seconds: 3, controlSeconds: 1 })
