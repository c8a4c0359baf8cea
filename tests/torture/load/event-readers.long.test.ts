import { testTorture } from '../engine/test-torture.ts'

testTorture('event-readers', { seconds: 6 })
