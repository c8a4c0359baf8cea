import { testTorture } from './test-torture.ts'

testTorture('overload', { seconds: 6, controlSeconds: 3 })
