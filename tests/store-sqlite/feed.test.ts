/** The feed in SQLite: what its cursors stand for, through restarts, restores and forgetting. */
import type Database from 'better-sqlite3'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openMemoryDatabase, openWriterDatabase } from '../../lib/store-sqlite/database/database.ts'
import { createEventReader } from '../../lib/store-sqlite/event-reader.ts'
import { beginRun, forgetFeed } from '../../lib/store-sqlite/tables/feed-runs.ts'
import { createWriter } from '../../lib/store-sqlite/writer/writer.ts'
import type { FeedQuery, FeedRetention } from '../../lib/store/feed-store.ts'
import type { Cursor } from '../../lib/store/selection.ts'
import { codeOf } from '../kit/runner/code-of.ts'
import { openLateStore, reasonOf } from '../kit/store/late-store.ts'
import { DAY, HOUR, LIMITS } from '../kit/store/limits.ts'
import { openMemoryStore } from '../kit/store/memory-store.ts'
import { sessionAt } from '../kit/store/session-at.ts'

const test = suite('feed in SQLite')

const NOW = 1_000 * DAY
const ALL: FeedQuery = {
  ...{ after: undefined, limit: 1_000, type: undefined },
  ...{ sub: undefined, session: undefined, app: undefined },
}

test('a cursor is good after a restart, and so is one from before any event', () => {
  const feed = openFeed()
  const first = feed.newest()
  feed.begin('one', 'two')
  const second = feed.newest()
  feed.restart()
  assert.is(feed.newest(), second)
  feed.begin('three')
  feed.restart()
  feed.restart()
  assert.equal(feed.idsAfter(first), ['one', 'two', 'three'])
  assert.equal(feed.idsAfter(second), ['three'])
  assert.equal(feed.idsAfter(feed.newest()), [])
})

test('an event that a power cut has undone is behind no cursor, though its number comes again', () => {
  const feed = openFeed()
  feed.begin('one', 'two')
  const kept = feed.newest()
  const cut = feed.copy()
  feed.begin('three', 'four')
  const lost = feed.cursors().slice(2)
  cut.restart()
  for (const after of lost) assert.is(cut.refusalAfter(after), 'events_forgotten')
  cut.begin('other', 'others', 'more')
  for (const after of lost) assert.is(cut.refusalAfter(after), 'events_forgotten')
  assert.equal(cut.idsAfter(kept), ['other', 'others', 'more'])
  const cursors = new Set([...cut.cursors(), ...lost])
  assert.is(cursors.size, 7)
})

test('a feed that was turned off, or replaced, has none of its old cursors', () => {
  for (const stop of ['turned off', 'restored']) {
    const feed = openFeed()
    feed.begin('one', 'two')
    const before = [...feed.cursors(), feed.newest()]
    if (stop === 'restored') forgetFeed(feed.database)
    else {
      feed.restart(false)
      assert.is(feed.refusalAfter(undefined), 'events_not_kept')
    }
    feed.begin('unseen')
    feed.restart()
    for (const after of before) assert.is(feed.refusalAfter(after), 'events_forgotten', stop)
    feed.begin('three', 'four', 'five')
    for (const after of before) assert.is(feed.refusalAfter(after), 'events_forgotten', stop)
    assert.equal(feed.idsAfter(undefined), ['three', 'four', 'five'])
  }
})

test('of a hundred starts and more the last ones are known', () => {
  const feed = openFeed()
  feed.begin('one')
  const old = feed.newest()
  for (let n = 0; n < 60; n++) feed.restart()
  feed.begin('two')
  const newer = feed.newest()
  for (let n = 0; n < 60; n++) feed.restart()
  assert.is(feed.refusalAfter(old), 'events_forgotten')
  assert.equal(feed.idsAfter(newer), [])
  assert.equal(feed.idsAfter(undefined), ['one', 'two'])
  for (const after of feed.cursors()) assert.is(feed.refusalAfter(after), undefined)
  const runs = feed.database.prepare('select count(*) from feed_runs').pluck().get()
  assert.is(runs, 100)
})

test('events from a future that the clock was set back from keep no others', () => {
  const feed = openFeed({ keepMs: HOUR, maxEvents: 1_000 })
  feed.beginAt(NOW + 400 * DAY, 'future')
  feed.beginAt(NOW, 'then')
  feed.beginAt(NOW + 1, 'now')
  feed.sweep(NOW + HOUR)
  assert.equal(feed.idsAfter(undefined), ['now'])
})

test('a clock that is set back a little forgets nothing for it', () => {
  const feed = openFeed({ keepMs: HOUR, maxEvents: 1_000 })
  feed.beginAt(NOW, 'one')
  feed.beginAt(NOW, 'two')
  feed.sweep(NOW - 500)
  assert.equal(feed.idsAfter(undefined), ['one', 'two'])
})

test('events are forgotten a piece at a time, as sessions are swept', () => {
  const feed = openFeed({ keepMs: DAY, maxEvents: 100 })
  feed.fill(3_000)
  const sizes: number[] = []
  for (let more = true; more;) {
    more = feed.writer.sweepSlice(NOW, 50).more
    sizes.push(feed.count())
  }
  assert.equal(sizes, [2_000, 1_000, 100])
})

test('what is forgotten while a page is read is not missing from it unnoticed', () => {
  const feed = openFeed()
  feed.begin('one', 'two', 'three', 'four')
  const [first = '', second = '', third = ''] = feed.cursors()
  const forgetting = (upTo: number) =>
    createEventReader(
      beforePages(feed.database, () => {
        feed.database.prepare('delete from events where number <= ?').run(upTo)
      }),
    )
  assert.is(
    codeOfSync(() => forgetting(2).read({ ...ALL, after: first })),
    'events_forgotten',
  )
  // Of the second one the next is there; it is the one before the oldest.
  const { events } = forgetting(2).read({ ...ALL, after: second })
  assert.equal(
    events.map(({ session }) => session),
    ['three', 'four'],
  )
  assert.is(
    codeOfSync(() => forgetting(4).read({ ...ALL, after: third })),
    'events_forgotten',
  )
})

test('a filter that hardly anything fits looks at a part, and the next page goes on there', async () => {
  const { store, database } = openMemoryStore()
  fill(database, 120_000)
  const search = { ...ALL, session: 'event-119999' }
  const first = await store.feed.read(search)
  assert.equal(first.events, [])
  const second = await store.feed.read({ ...search, after: first.next })
  assert.equal(
    second.events.map(({ session }) => session),
    ['event-119999'],
  )
  assert.is(second.next, await store.feed.newest())
  await store.close()
})

test('others have their turn while a filter searches', async () => {
  const { store, database } = openMemoryStore()
  fill(database, 60_000)
  let turns = 0
  let isDone = false
  const count = (): void => {
    turns++
    if (!isDone) setImmediate(count)
  }
  setImmediate(count)
  await store.feed.read({ ...ALL, sub: 'nobody' })
  isDone = true
  assert.ok(turns >= 10, `${turns} turns`)
  await store.close()
})

test('an event that the disk has changed into none is told as damage', () => {
  const feed = openFeed()
  feed.begin('one', 'two')
  feed.database.exec('update events set kind = 77 where number = 2')
  assert.is(feed.refusalAfter(undefined), 'storage_damaged')
})

test('a page with an end on it waits until no read shows the session any more', async () => {
  const { store, clock, holdAnswers, answer } = openLateStore()
  const now = clock.now()
  await store.insert(sessionAt(now, { id: 'one' }))
  await store.find('one', now)
  holdAnswers()
  const ending = store.end('one', now, 'logout')
  await new Promise((resolve) => setImmediate(resolve))
  let isTold = false
  const reading = store.feed.read(ALL).then(({ events }) => {
    isTold = true
    return events.at(-1)?.type
  })
  for (let n = 0; n < 5; n++) await new Promise((resolve) => setImmediate(resolve))
  assert.is(isTold, false)
  assert.is(await reasonOf(store, 'one', now), 'live')
  answer()
  assert.is(await reading, 'session.ended')
  assert.is(await reasonOf(store, 'one', now), 'logout')
  await ending
  await store.close()
})

test('a page with an end that a command has made drops the session from memory', async () => {
  const { store, clock, database } = openMemoryStore()
  const now = clock.now()
  await store.insert(sessionAt(now, { id: 'one' }))
  await store.find('one', now)
  const command = createWriter(database, LIMITS, DAY)
  const end = {
    kind: 'end',
    id: 'one',
    now,
    seenAt: 0,
    reason: 'revoked',
    when: undefined,
  } as const
  command.runTogether([end, { kind: 'change_outside' }])
  assert.is(await reasonOf(store, 'one', now), 'live')
  const { events } = await store.feed.read(ALL)
  assert.is(events.at(-1)?.type, 'session.ended')
  assert.is(await reasonOf(store, 'one', now), 'revoked')
  await store.close()
})

test('who watches is woken within a second of what a command has done', async () => {
  const { store, clock, database } = openMemoryStore()
  let woken = 0
  store.feed.watch(() => woken++)
  createWriter(database, LIMITS, DAY).run([insertOf('one', clock.now())])
  assert.is(woken, 0)
  clock.advance(1_000)
  assert.is(woken, 1)
  await store.close()
})

test('an import begins sessions without events, and ends them with events', () => {
  const feed = openFeed()
  feed.writer.run([{ ...insertOf('imported', NOW), isImport: true }])
  assert.equal(feed.idsAfter(undefined), [])
  feed.writer.run([
    { kind: 'end', id: 'imported', now: NOW, seenAt: 0, reason: 'logout', when: undefined },
  ])
  assert.equal(feed.idsAfter(undefined), ['imported'])
})

test('a damaged session that is ended has its event, of nobody', () => {
  const feed = openFeed()
  feed.begin('one', 'two')
  feed.database.exec(`update sessions set data = '{"x":1}'`)
  const end = { now: NOW, seenAt: 0, reason: 'revoked', when: undefined } as const
  feed.writer.run([{ kind: 'end', id: 'one', ...end }])
  const all = { app: undefined, sub: undefined, except: undefined, limit: 9 }
  feed.writer.run([{ kind: 'end_many', ...all, now: NOW, reason: 'revoked' }])
  assert.equal(feed.idsAfter(undefined).slice(2), ['one', 'two'])
})

test('a change that is refused late has no event, and the others of its batch have theirs', () => {
  const feed = openFeed()
  feed.begin('one')
  const taken = { id: 'one', secretHash: 'other' }
  const outcomes = feed.writer.run([
    insertOf('two', NOW),
    {
      ...{ kind: 'change', id: 'two', now: NOW, seenAt: 0 },
      operation: { name: 'renew', renewal: taken },
    },
    insertOf('three', NOW),
  ])
  assert.equal(
    outcomes.map(({ ok }) => ok),
    [true, false, true],
  )
  assert.equal(feed.idsAfter(undefined), ['one', 'two', 'three'])
})

test.run()

/** A feed on a database in memory, as a server has it that is started anew by `restart`. */
function openFeed(
  retention: FeedRetention = { keepMs: DAY, maxEvents: 1_000 },
  database: Database.Database = openMemoryDatabase(),
) {
  let writer = createWriter(database, LIMITS, DAY)
  let reader = createEventReader(database)

  function restart(keepsEvents = true): void {
    beginRun(database, keepsEvents)
    writer = createWriter(database, LIMITS, DAY, undefined, retention)
    reader = createEventReader(database)
  }

  function beginAt(at: number, ...ids: string[]): void {
    for (const outcome of writer.run(ids.map((id) => insertOf(id, at)))) assert.ok(outcome.ok)
  }

  function eventsAfter(after: Cursor | undefined) {
    return reader.read({ ...ALL, after }).events
  }

  restart()
  return {
    database,
    restart,
    beginAt,
    begin: (...ids: string[]) => beginAt(NOW, ...ids),
    get writer() {
      return writer
    },
    newest: () => reader.newest(),
    cursors: () => eventsAfter(undefined).map(({ cursor }) => cursor),
    idsAfter: (after: Cursor | undefined) => eventsAfter(after).map(({ session }) => session),
    refusalAfter: (after: Cursor | undefined) => codeOfSync(() => eventsAfter(after)),
    sweep(now: number) {
      while (writer.sweepSlice(now, 50).more);
    },
    fill: (count: number) => fill(database, count),
    count: () => reader.kept().kept,
    /** The file as it is now, for a feed of its own. */
    copy: () => openFeed(retention, openWriterDatabase(database.serialize(), 'full')),
  }
}

function insertOf(id: string, at: number) {
  const session = sessionAt(at, { id, idleTimeoutMs: 9 * DAY, lifetimeMs: 9 * DAY })
  return { kind: 'insert', seenAt: 0, session } as const
}

function fill(database: Database.Database, count: number): void {
  database
    .prepare(
      `with recursive n(n) as (values (1) union all select n + 1 from n where n < ?)
       insert into events (at, kind, id) select ${NOW}, 1, 'event-' || n from n`,
    )
    .run(count)
}

/** The database, where something happens before each page of events is read. */
function beforePages(database: Database.Database, happen: () => void): Database.Database {
  const prepare = (sql: string) => {
    const statement = database.prepare(sql)
    if (!sql.includes('order by number limit')) return statement
    const all = statement.raw().all.bind(statement)
    return Object.assign(statement, {
      raw: () => statement,
      all(...given: unknown[]) {
        happen()
        return all(...given)
      },
    })
  }
  return { prepare } as unknown as Database.Database
}

/** The code of the refusal; undefined where there is none. */
function codeOfSync(run: () => unknown): unknown {
  try {
    run()
    return undefined
  } catch (error) {
    return codeOf(error)
  }
}
