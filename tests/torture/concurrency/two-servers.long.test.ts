import { testTorturesOnDatabase } from '../engine/test-torture.ts'

testTorturesOnDatabase({
  linearizable: { seconds: 5, controlSeconds: 50 },
  'lost-updates': { seconds: 3, controlSeconds: 50 },
  races: { seconds: 6, controlSeconds: 50 },
})
