import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createBrowse } from '../../lib/store-sqlite/browse-lookups.ts'
import { openMemoryDatabase } from '../../lib/store-sqlite/database/database.ts'
import type { EventHistory } from '../../lib/store-sqlite/event-history.ts'
import { createReadGuard } from '../../lib/store-sqlite/database/sqlite-errors.ts'
import { createReader } from '../../lib/store-sqlite/reader.ts'
import { renewTo } from '../contract/sample-sessions.ts'
import { openMemoryStore } from '../kit/store/memory-store.ts'
import { DAY } from '../kit/store/limits.ts'
import { codeOf } from '../kit/runner/code-of.ts'
import { sessionAt } from '../kit/store/session-at.ts'

const test = suite('browsing the file')

const USERS = { app: undefined, prefix: '', after: undefined, limit: 50 }

test('a page of users lets everything else go first, as often as it takes long', async () => {
  const { store, database, clock } = openMemoryStore()
  for (let n = 0; n < 20; n++) {
    const claims = JSON.stringify({ sub: `user-${n}` })
    await store.insert(sessionAt(clock.now(), { id: `session-${n}`, claims }))
  }
  let turns = 0
  let isReading = true
  const turn = (): void => {
    turns++
    if (isReading) setImmediate(turn)
  }
  setImmediate(turn)
  const { users } = await slowBrowse(database).users(USERS, clock.now())
  isReading = false
  assert.is(users.length, 20)
  assert.ok(turns >= 15, `${turns} turns`)
})

test('what happened to a session is looked for up to its beginning, and no further', async () => {
  const { store, database, clock } = openMemoryStore()
  for (const id of ['before', 'one']) await store.insert(sessionAt(clock.now(), { id }))
  await store.change('one', clock.now(), renewTo('two'))
  await store.end('two', clock.now(), 'logout')
  const { history } = createReader(database, DAY)
  let reads = 0
  const browse = slowBrowse(database, {
    read(query) {
      reads++
      // Of each piece one event: a real one has thousands.
      return { ...history.read({ ...query, limit: 1 }), isLast: false }
    },
  })
  const none = { app: undefined, sub: undefined, type: undefined, reason: undefined }
  const { events, next } = await browse.events({
    ...none,
    session: 'two',
    after: undefined,
    limit: 9,
  })
  assert.equal(
    events.map(({ type }) => type),
    ['session.ended', 'session.renewed'],
  )
  assert.equal([reads, next], [2, undefined])
})

test('an empty file has nothing, and no next page', async () => {
  const browse = slowBrowse(openMemoryDatabase())
  const none = { app: undefined, sub: undefined, after: undefined, limit: 50 }
  assert.equal(await browse.newest(none, 1), { sessions: [], next: undefined })
  assert.equal(await browse.users(USERS, 1), { users: [], next: undefined })
  assert.equal(await browse.ofUsers(USERS, 1), { sessions: [], next: undefined })
  assert.equal(await browse.idsFrom({ ...USERS, prefix: 'a' }, 1), { live: [], ended: [] })
})

test('pages of users go on past those who have only expired sessions', async () => {
  const { store, clock } = openMemoryStore()
  for (const [n, age] of [0, DAY, DAY, DAY, 0].entries()) {
    const claims = JSON.stringify({ sub: `user-${n}` })
    await store.insert(sessionAt(clock.now() - age, { id: `session-${n}`, claims }))
  }
  const first = await store.browse.users({ ...USERS, limit: 1 }, clock.now())
  const second = await store.browse.users({ ...USERS, limit: 1, after: first.next }, clock.now())
  assert.equal(
    [...first.users, ...second.users].map(({ sub }) => sub),
    ['user-0', 'user-4'],
  )
})

test('many that have expired make a page short, and the next one goes on behind them', async () => {
  const { store, clock } = openMemoryStore()
  const now = clock.now()
  await store.insert(sessionAt(now, { id: 'live' }))
  for (let n = 0; n < 520; n++) await store.insert(sessionAt(now - DAY, { id: `old-${n}` }))
  const all = { app: undefined, sub: undefined, limit: 50 }
  const first = await store.browse.newest({ ...all, after: undefined }, now)
  assert.equal(first.sessions, [])
  const second = await store.browse.newest({ ...all, after: first.next }, now)
  assert.equal(
    second.sessions.map(({ id }) => id),
    ['live'],
  )
  assert.is(second.next, undefined)
})

test('searches of the feed take turns, a piece at a time, and beyond some more are refused', async () => {
  let pieces = 0
  const history: EventHistory = {
    read() {
      pieces++
      return { events: [], next: '1', isLast: false }
    },
  }
  const browse = slowBrowse(openMemoryDatabase(), history)
  const which = { app: undefined, sub: undefined, session: undefined, type: undefined }
  const query = { ...which, reason: undefined, after: undefined, limit: 20 }
  const searches = Array.from({ length: 32 }, () => browse.events(query))
  assert.is(await browse.events(query).catch(codeOf), 'overloaded')
  for (let turns = 0; turns < 100; turns++) {
    const before = pieces
    await new Promise((resolve) => setImmediate(resolve))
    assert.ok(pieces - before <= 1, `${pieces - before} pieces in one turn`)
  }
  assert.ok(pieces > 50, String(pieces))
  await Promise.all(searches)
  assert.is((await browse.events(query)).next, '1')
})

test.run()

/** A look at the clock takes longer than a slice. */
function slowBrowse(database: ReturnType<typeof openMemoryDatabase>, given?: EventHistory) {
  let elapsed = 0
  const { browser, history: own } = createReader(database, DAY)
  const history = given ?? own
  return createBrowse({
    ...{ browser, history, guard: createReadGuard() },
    queue: { sentAnswered: async () => {} },
    touches: { seenAt: () => 0 },
    elapsedMs: () => (elapsed += 10),
  })
}
