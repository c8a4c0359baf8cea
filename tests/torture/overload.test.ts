import { testTorture } from './test-torture.ts'

testTorture('overload', { seconds: 2 })
