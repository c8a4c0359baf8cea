import { testTorture } from './test-torture.ts'

testTorture('lost-updates', { seconds: 3, controlSeconds: 10 })
