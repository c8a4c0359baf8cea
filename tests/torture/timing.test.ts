import { testTorture } from './test-torture.ts'

testTorture('timing', { seconds: 6 })
