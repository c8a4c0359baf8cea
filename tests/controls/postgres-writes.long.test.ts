import { testControls } from '../kit/runner/test-controls.ts'

const file = 'store-postgres/shared-storage'
const WRITTEN_OVER = { seam: 'row-as-read', by: "const IS_AS_READ = 's.number = v.number'" }
const ONE_ID = 'of sessions of one id that two servers create'
const WRITERS = 'of many writers on two servers'

testControls('of writes on PostgreSQL', {
  'no writer on another server is written over': {
    file,
    breakage: WRITTEN_OVER,
    red: WRITERS,
    green: ONE_ID,
  },
  'no increment on another server is lost': {
    file,
    breakage: WRITTEN_OVER,
    red: 'increments on two servers',
    green: ONE_ID,
  },
  'a pop has one winner on all servers': {
    file,
    breakage: WRITTEN_OVER,
    red: 'a pop that many ask for',
    green: ONE_ID,
  },
  'no write on another server revives what has ended': {
    file,
    // An end that travels with writes of its session has another version.
    breakage: [
      WRITTEN_OVER,
      { seam: 'ended-row-stays', by: "const IS_LIVE = 'true'" },
      { seam: 'data-alone', by: 'const isData = false' },
    ],
    red: 'no write on one server revives',
    green: ONE_ID,
  },
  'log-ins on two servers are counted together': {
    file,
    breakage: { seam: 'users-in-turn', by: 'const numbers = []' },
    red: 'a limit of sessions holds for log-ins',
    green: WRITERS,
  },
  'a renewal that comes too late begins nothing': {
    file,
    breakage: { seam: 'renewal-locks', by: '' },
    red: 'of renewals of one session',
    green: WRITERS,
  },
  'an id that is in use stays whose it is': {
    file,
    breakage: {
      seam: 'insert-over-the-forgotten',
      by: "const IS_FORGOTTEN = '$22::bigint is not null'",
    },
    red: ONE_ID,
    green: WRITERS,
  },
  'activity near the end is known to all servers': {
    file,
    breakage: { seam: 'edge-activity-first', by: 'return undefined' },
    red: 'activity on one server near the end',
    green: WRITERS,
  },
  'what one server has shown as over is over': {
    file,
    breakage: {
      seam: 'due-until-sealed',
      by: `return isLive(touched, now)
  ? { state: 'live', session: touched }
  : findEnded(endSession(touched, 'idle_timeout', now), now, keepEndedMs)`,
    },
    red: 'a session that one server has shown as over',
    green: WRITERS,
  },
})
