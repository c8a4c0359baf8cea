import { testTorture } from './test-torture.ts'

testTorture('cross-site', { seconds: 0 })
