import { testControls } from '../kit/runner/test-controls.ts'

const FOUND = 'store-postgres/shared-storage'
const STAYS_GREEN = 'of sessions of one id that two servers create one is there'

const isAsRead = (guard: string) => ({
  seam: 'row-as-read',
  by: `const IS_AS_READ = '${guard}'`,
})

const KEPT_FOR_EVERY_CONNECTION = {
  seam: 'known-of-one-connection',
  by: "  const writer = create('writer', 'keep')",
}

const KNOWN_ON_EVERY_SERVER = { seam: 'known-on-one-server', by: '' }

testControls('of writes that begin with the row that was found', {
  'a write loses nothing that came since its session was found': {
    file: FOUND,
    breakage: isAsRead('s.number = v.number'),
    red: 'a write to what was found before another server wrote to it',
    green: STAYS_GREEN,
  },
  'a log-out is final, whatever was found before it': {
    file: FOUND,
    breakage: { seam: 'ended-row-stays', by: "const IS_LIVE = 'true'" },
    red: 'what was found is neither written to nor ended once it has ended',
    green: STAYS_GREEN,
  },
  'a session is not taken for one that had its id before': {
    file: FOUND,
    breakage: isAsRead('s.version = v.version_before'),
    red: 'a session that has come into the place of one that was found',
    green: STAYS_GREEN,
  },
  'no write is refused for what was so before': {
    file: FOUND,
    breakage: { seam: 'assumed-rows-conclude-nothing', by: '' },
    red: 'nothing is refused for how it was found',
    green: STAYS_GREEN,
  },
  'no row is written to another server than it was read from': {
    file: 'store-postgres/guarded',
    breakage: { seam: 'rows-of-one-server', by: '' },
    red: 'whose connection goes to another server',
    green: 'begins with the row that is known',
  },
  'a write is two round trips': {
    file: 'store-postgres/round-trips',
    breakage: { seam: 'known-on-one-server', by: '      return undefined' },
    red: 'a write is two round trips',
    green: 'a read is one round trip',
  },
  'what a crash has lost does not come back with a write': {
    file: 'store-postgres/failover',
    breakage: KEPT_FOR_EVERY_CONNECTION,
    red: 'what was found before the database crashed',
    green: 'a replaced primary is not read from',
  },
  'what a fail-over has lost does not come back with a write': {
    file: 'store-postgres/failover',
    // Either of them is enough where the writer connects anew before it is asked.
    breakage: [KEPT_FOR_EVERY_CONNECTION, KNOWN_ON_EVERY_SERVER],
    red: 'what was found on a primary that is gone',
    green: 'a replaced primary is not read from',
  },
  'what one server had is not known of another': {
    file: 'store-postgres/known-rows',
    breakage: KNOWN_ON_EVERY_SERVER,
    red: 'a row is known of the server that had it',
    green: 'a row is known until it has aged twice',
  },
})
