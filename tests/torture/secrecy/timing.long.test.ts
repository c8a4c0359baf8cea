import { testTorture } from '../engine/test-torture.ts'

testTorture('timing', { seconds: 6 })
