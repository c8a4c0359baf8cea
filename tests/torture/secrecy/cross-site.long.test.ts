import { testTorture } from '../engine/test-torture.ts'

testTorture('cross-site', { seconds: 0 })
