import { testTorture } from './test-torture.ts'

testTorture('sweep', { seconds: 1 })
