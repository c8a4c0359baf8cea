import { testTorture } from '../engine/test-torture.ts'

testTorture('fuzz', { seconds: 4, controlSeconds: 2 })
