import { testControls } from '../kit/runner/test-controls.ts'

const MISSES_NOTHING = 'while two servers write and a transaction stays open'

testControls('of the feed on PostgreSQL', {
  'no event appears before one that is read': {
    file: 'store-postgres/feed',
    breakage: { seam: 'placed-once-committed', by: "const PLACE_OF_EVENT = 't.seq'" },
    red: MISSES_NOTHING,
    green: 'what operators end is told of',
  },
  'the events of one session are in their order': {
    file: 'store-postgres/feed',
    breakage: {
      seam: 'placed-once-committed',
      by: "const PLACE_OF_EVENT = 'f.newest + row_number() over (order by t.seq desc)'",
    },
    red: MISSES_NOTHING,
    green: 'events have their places within a second',
  },
  'an expiry is told of once': {
    file: 'store-postgres/feed',
    breakage: { seam: 'sealed-ends-told', by: "const UNSEALED = 'true'" },
    red: 'who dies of their age is told of once',
    green: 'what operators end is told of',
  },
  'who has missed events on a database is told so': {
    file: 'store-postgres/feed',
    breakage: { seam: 'postgres-events-forgotten', by: 'if (runs.length === 0) {' },
    red: 'a cursor of events that a fail-over has lost',
    green: 'what operators end is told of',
  },
  'searches of the feed on a database are bounded': {
    file: 'store-postgres/feed',
    breakage: { seam: 'searches-bounded', by: '' },
    red: 'only so many searches of what happened',
    green: 'what operators end is told of',
  },
})
