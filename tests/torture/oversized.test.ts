import { testTorture } from './test-torture.ts'

testTorture('oversized', { seconds: 1 })
