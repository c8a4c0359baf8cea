import { testTorture } from '../engine/test-torture.ts'

testTorture('sweep', { seconds: 1 })
