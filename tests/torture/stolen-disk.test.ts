import { testTorture } from './test-torture.ts'

testTorture('stolen-disk', { seconds: 2, controlSeconds: 1 })
