import { testTorture } from './test-torture.ts'

testTorture('fuzz', { seconds: 4, controlSeconds: 2 })
