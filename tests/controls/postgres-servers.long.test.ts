import { testControls } from '../kit/runner/test-controls.ts'

const file = 'program/database-server'
const LOG = 'the log says where the data is and what is weaker'

testControls('of servers on PostgreSQL', {
  'there is one first key': {
    file,
    breakage: {
      seam: 'first-key-once',
      // Long enough for all to find none.
      by: `await sleep(4_000)
const isKept = await keys.add({ hash, name: hash, scope: 'all', createdAt, revokedAt: null })`,
    },
    red: 'of servers that start at once on an empty database',
    green: LOG,
  },
  'sessions go by one clock': {
    file: 'database-clock',
    breakage: { seam: 'database-clock', by: 'void measured' },
    red: 'it is as far ahead as the database said',
    green: 'an answer that took long changes nothing',
  },
  'a command goes by the clock of the servers': {
    file,
    breakage: { seam: 'operators-clock', by: 'return 0' },
    red: 'sessions go by the clock of the database',
    green: LOG,
  },
})
