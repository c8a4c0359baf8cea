import { testTorture } from './test-torture.ts'

testTorture('dear-requests', { seconds: 10, controlSeconds: 8 })
