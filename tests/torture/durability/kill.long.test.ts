import { testTorture } from '../engine/test-torture.ts'

testTorture('kill', { seconds: 6, controlSeconds: 12 })
