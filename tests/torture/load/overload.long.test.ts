import { testTorture } from '../engine/test-torture.ts'

testTorture('overload', { seconds: 6, controlSeconds: 3 })
