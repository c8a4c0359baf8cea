import { testTorture } from '../engine/test-torture.ts'

testTorture('dear-requests', { seconds: 8, controlSeconds: 4 })
