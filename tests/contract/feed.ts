import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CoatcheckError } from '../../lib/base/errors.ts'
import type { FeedEvent, FeedQuery } from '../../lib/store/feed-store.ts'
import type { Cursor } from '../../lib/store/selection.ts'
import type { Store } from '../../lib/store/store.ts'
import { codeOf } from '../kit/runner/code-of.ts'
import { DAY, HOUR, MINUTE } from '../kit/store/limits.ts'
import { sessionAt } from '../kit/store/session-at.ts'
import type { OpenStore } from './open-store.ts'
import { claimSub, reasonOf, renewTo, sessionOf } from './sample-sessions.ts'

const ALL: FeedQuery = {
  ...{ after: undefined, limit: 1_000, type: undefined },
  ...{ sub: undefined, session: undefined, app: undefined },
}
const ADA = { app: undefined, sub: 'ada', except: undefined }

/** What every store promises of its feed, see `lib/store/feed-store.ts`. */
export function testFeed(name: string, open: OpenStore): void {
  const test = suite(`contract, feed: ${name}`)

  test('a feed that nothing has happened in has a cursor, and no events', async () => {
    const { store } = await open()
    const newest = await store.feed.newest()
    assert.equal(await store.feed.read(ALL), { events: [], next: newest })
    assert.equal(await store.feed.read({ ...ALL, after: newest }), { events: [], next: newest })
    await store.close()
  })

  test('what is no cursor is an invalid argument', async () => {
    const { store } = await open()
    for (const after of ['', 'x', '-1', '1.5', ' 1', '0x1', '"1"', '1;drop', '9'.repeat(40)]) {
      const refused = store.feed.read({ ...ALL, after }).catch(codeOf)
      assert.ok(['invalid_argument', 'events_forgotten'].includes(String(await refused)), after)
    }
    assert.is(
      await store.feed.read({ ...ALL, after: 'nonsense' }).catch(codeOf),
      'invalid_argument',
    )
    await store.close()
  })

  test('the life of a session is told in its order', async () => {
    const { store, clock } = await open()
    const began = clock.now()
    await store.insert(sessionAt(began, { id: 'visitor' }))
    clock.advance(MINUTE)
    await store.change('visitor', clock.now(), claimSub('ada', 'logged-in'))
    clock.advance(MINUTE)
    await store.change('logged-in', clock.now(), renewTo('renewed'))
    clock.advance(MINUTE)
    await store.end('renewed', clock.now(), 'logout')
    assert.equal(await tell(store), [
      told('session.created', 'visitor', began),
      { ...told('session.assigned', 'visitor', began + MINUTE, 'ada'), subBefore: undefined },
      { ...told('session.renewed', 'visitor', began + MINUTE, 'ada'), renewedAs: 'logged-in' },
      { ...told('session.renewed', 'logged-in', began + 2 * MINUTE, 'ada'), renewedAs: 'renewed' },
      { ...told('session.ended', 'renewed', began + 3 * MINUTE, 'ada'), reason: 'logout' },
    ])
    await store.close()
  })

  test('another user, or none any more, is told with the one before', async () => {
    const { store, clock } = await open()
    const now = clock.now()
    await store.insert(sessionOf('ada', { id: 'shared', createdAt: now }))
    await store.change('shared', now, { name: 'update', claims: '{"sub":"eve"}' })
    await store.change('shared', now, { name: 'update', claims: '{"sub":null}' })
    await store.change('shared', now, { name: 'update', claims: '{"role":"guest"}' })
    assert.equal(await tell(store), [
      told('session.created', 'shared', now, 'ada'),
      { ...told('session.assigned', 'shared', now, 'eve'), subBefore: 'ada' },
      { ...told('session.assigned', 'shared', now), subBefore: 'eve' },
    ])
    await store.close()
  })

  test('what changes nobody and nothing but data has no event', async () => {
    const { store, clock } = await open()
    const now = clock.now()
    await store.insert(sessionOf('ada', { id: 'one', createdAt: now }))
    const before = await store.feed.newest()
    await store.change('one', now, { name: 'set', key: 'user', value: '"eve"' })
    await store.change('one', now, { name: 'clear' })
    await store.change('one', now, { name: 'update', permanent: true, claims: '{"role":"x"}' })
    await store.change('one', now, { name: 'clear', when: { required: ['99'] } }).catch(codeOf)
    await store.change('nobody', now, { name: 'clear' })
    await store.insert(sessionAt(now, { id: 'one' }))
    await store.end('nobody', now, 'logout')
    await store.end('one', now, 'logout', { required: ['99'] }).catch(codeOf)
    await store.endMany({ ...ADA, sub: 'nobody' }, now, 'revoked', 10)
    store.touch('one', now + 1)
    await store.sweep(now + 1)
    assert.is(await store.feed.newest(), before)
    await store.end('one', now, 'logout')
    await store.end('one', now, 'logout')
    assert.is((await tell(store)).length, 2)
    await store.close()
  })

  test('an eviction, the end of many, and the end by age have events with their reasons', async () => {
    const { store, clock } = await open({ limits: { maxSessionsPerSub: 1 } })
    const now = clock.now()
    for (const id of ['one', 'two']) await store.insert(sessionOf('ada', { id, createdAt: now }))
    await store.endMany(ADA, now, 'revoked', 10)
    await store.insert(sessionOf('eve', { id: 'idle', createdAt: now }))
    await store.insert(
      sessionAt(now, { id: 'old', idleTimeoutMs: DAY, lifetimeMs: HOUR, claims: '{"sub":"bob"}' }),
    )
    await store.sweep(now + 2 * HOUR)
    await store.sweep(now + 3 * HOUR)
    const ends = (await tell(store)).filter(({ type }) => type === 'session.ended')
    const byAge = ends.slice(2).toSorted((a, b) => a.at - b.at)
    assert.equal(
      [...ends.slice(0, 2), ...byAge],
      [
        { ...told('session.ended', 'one', now, 'ada'), reason: 'evicted' },
        { ...told('session.ended', 'two', now, 'ada'), reason: 'revoked' },
        { ...told('session.ended', 'idle', now + 30 * MINUTE, 'eve'), reason: 'idle_timeout' },
        { ...told('session.ended', 'old', now + HOUR, 'bob'), reason: 'lifetime' },
      ],
    )
    await store.close()
  })

  test('a log-in that evicts tells of both', async () => {
    const { store, clock } = await open({ limits: { maxSessionsPerSub: 1 } })
    const now = clock.now()
    await store.insert(sessionOf('ada', { id: 'laptop', createdAt: now }))
    await store.insert(sessionAt(now, { id: 'visitor' }))
    await store.change('visitor', now, claimSub('ada', 'phone'))
    const lines = (await tell(store)).map(({ type, session }) => `${type} ${session}`)
    assert.equal(lines.toSorted(), [
      'session.assigned visitor',
      'session.created laptop',
      'session.created visitor',
      'session.ended laptop',
      'session.renewed visitor',
    ])
    await store.close()
  })

  test('an end that was forgotten before it was swept is told before the id begins anew', async () => {
    const { store, clock } = await open({ keepEndedMs: 0 })
    await store.insert(sessionOf('ada', { id: 'again', createdAt: clock.now() }))
    const diedAt = clock.now() + 30 * MINUTE
    clock.advance(HOUR)
    assert.is((await store.insert(sessionAt(clock.now(), { id: 'again' }))).inserted, true)
    assert.equal((await tell(store)).slice(1), [
      { ...told('session.ended', 'again', diedAt, 'ada'), reason: 'idle_timeout' },
      told('session.created', 'again', clock.now()),
    ])
    await store.close()
  })

  test('an end that nobody remembers any more has its event, too', async () => {
    const { store, clock } = await open({ keepEndedMs: 0 })
    await store.insert(sessionAt(clock.now(), { id: 'short' }))
    clock.advance(HOUR)
    await store.sweep(clock.now())
    assert.equal(
      (await tell(store)).map(({ type }) => type),
      ['session.created', 'session.ended'],
    )
    await store.close()
  })

  test("Coatcheck's own sessions are not told of, those of an app that look like them are", async () => {
    const { store, clock } = await open({ keepEndedMs: 0 })
    const now = clock.now()
    for (const id of ['dashboard-one', 'dashboard-two', 'dashboard-3', 'shop~dashboard-one']) {
      await store.insert(sessionOf('ada', { id, createdAt: now }))
    }
    await store.change('dashboard-one', now, claimSub('eve', 'dashboard-next'))
    await store.end('dashboard-next', now, 'logout')
    await store.endMany({ ...ADA, except: 'dashboard-3' }, now, 'revoked', 10)
    await store.sweep(now + HOUR)
    await store.insert(sessionAt(now + HOUR, { id: 'dashboard-3' }))
    const ids = new Set((await tell(store)).map(({ session }) => session))
    assert.equal([...ids], ['shop~dashboard-one'])
    await store.close()
  })

  test('pages of any size have each event once, in one order, and their cursors fit into URLs', async () => {
    const { store, clock } = await open()
    for (let n = 0; n < 12; n++) await store.insert(sessionAt(clock.now(), { id: `session-${n}` }))
    const all = (await store.feed.read(ALL)).events
    assert.is(all.length, 12)
    for (const limit of [1, 2, 5, 12, 100]) {
      assert.equal(await readPages(store, { ...ALL, limit }), all, String(limit))
    }
    for (const { cursor } of all) assert.is(encodeURIComponent(cursor), cursor)
    assert.is(new Set(all.map(({ cursor }) => cursor)).size, 12)
    for (const [index, { cursor }] of all.entries()) {
      const { events } = await store.feed.read({ ...ALL, after: cursor })
      assert.equal(events, all.slice(index + 1))
    }
    assert.is(await store.feed.newest(), all.at(-1)?.cursor)
    await store.close()
  })

  test('who begins with the newest cursor sees what happens from then on', async () => {
    const { store, clock } = await open()
    await store.insert(sessionAt(clock.now(), { id: 'before' }))
    const after = await store.feed.newest()
    assert.equal(await store.feed.read({ ...ALL, after }), { events: [], next: after })
    await store.insert(sessionAt(clock.now(), { id: 'since' }))
    const page = await store.feed.read({ ...ALL, after })
    assert.equal(
      page.events.map(({ session }) => session),
      ['since'],
    )
    assert.is(page.next, page.events[0]?.cursor)
    await store.close()
  })

  test('a filter leaves out the others, and the next page goes on behind them', async () => {
    const { store, clock } = await open()
    const now = clock.now()
    await store.insert(sessionOf('ada', { id: 'a', createdAt: now }))
    await store.insert(sessionOf('eve', { id: 'shop~b', createdAt: now }))
    await store.insert(sessionOf('ada', { id: 'shop~c', createdAt: now }))
    await store.insert(sessionOf('ada', { id: 'shop-b~d', createdAt: now }))
    await store.change('a', now, { name: 'update', claims: '{"sub":"eve"}' })
    await store.change('shop~b', now, renewTo('shop~b2'))
    await store.end('shop~b2', now, 'logout')
    const filters: [Partial<FeedQuery>, string[]][] = [
      [
        { type: 'session.created' },
        ['created a', 'created shop~b', 'created shop~c', 'created shop-b~d'],
      ],
      [{ type: 'session.ended' }, ['ended shop~b2']],
      [{ app: 'shop' }, ['created shop~b', 'created shop~c', 'renewed shop~b', 'ended shop~b2']],
      [{ app: 'sho' }, []],
      [{ app: 'shop', sub: 'ada' }, ['created shop~c']],
      [{ sub: 'ada' }, ['created a', 'created shop~c', 'created shop-b~d', 'assigned a']],
      [{ sub: 'eve' }, ['created shop~b', 'assigned a', 'renewed shop~b', 'ended shop~b2']],
      [{ sub: 'eve', type: 'session.assigned' }, ['assigned a']],
      [{ session: 'a' }, ['created a', 'assigned a']],
      [{ session: 'shop~b' }, ['created shop~b', 'renewed shop~b']],
      [{ session: 'shop~b2' }, ['renewed shop~b', 'ended shop~b2']],
      [{ session: 'b' }, []],
      [{ session: 'logout' }, []],
      [{ sub: 'logout' }, []],
    ]
    const newest = await store.feed.newest()
    for (const [filter, expected] of filters) {
      for (const limit of [1, 3, 100]) {
        const events = await readPages(store, { ...ALL, ...filter, limit })
        const lines = events.map(({ type, session }) => `${type.slice(8)} ${session}`)
        assert.equal(lines, expected, JSON.stringify(filter))
      }
    }
    const nothing = await store.feed.read({ ...ALL, sub: 'nobody' })
    assert.equal(nothing, { events: [], next: newest })
    await store.close()
  })

  test('the oldest are forgotten by their number; a cursor from before is told where to go on', async () => {
    const { store, clock } = await open({ maxEvents: 3 })
    const start = await store.feed.newest()
    const cursors: Cursor[] = []
    for (let n = 0; n < 8; n++) {
      await store.insert(sessionAt(clock.now(), { id: `session-${n}` }))
      cursors.push(await store.feed.newest())
    }
    await store.sweep(clock.now())
    const kept = (await store.feed.read(ALL)).events
    assert.equal(
      kept.map(({ session }) => session),
      ['session-5', 'session-6', 'session-7'],
    )
    for (const after of [start, ...cursors.slice(0, 4)]) {
      const error = await store.feed.read({ ...ALL, after }).catch((thrown: unknown) => thrown)
      assert.instance(error, CoatcheckError)
      if (!(error instanceof CoatcheckError)) return
      assert.is(error.code, 'events_forgotten')
      const oldest = String(error.facts['oldest'])
      assert.equal((await store.feed.read({ ...ALL, after: oldest })).events, kept)
    }
    // The one before the oldest has everything still to come.
    const { events } = await store.feed.read({ ...ALL, after: cursors[4] })
    assert.equal(events, kept)
    await store.close()
  })

  test('the oldest are forgotten by their age', async () => {
    const { store, clock } = await open({ keepEventsMs: HOUR })
    const first = sessionAt(clock.now(), { id: 'first', idleTimeoutMs: DAY, lifetimeMs: DAY })
    await store.insert(first)
    clock.advance(HOUR - 1)
    await store.insert(sessionAt(clock.now(), { id: 'second' }))
    await store.sweep(clock.now())
    assert.is((await tell(store)).length, 2)
    clock.advance(1)
    await store.sweep(clock.now())
    assert.equal(
      (await tell(store)).map(({ session }) => session),
      ['second'],
    )
    await store.close()
  })

  test('the newest event stays, and no cursor comes twice', async () => {
    const { store, clock } = await open({ keepEventsMs: HOUR, maxEvents: 1 })
    const seen = new Set<Cursor>()
    for (let n = 0; n < 5; n++) {
      await store.insert(
        sessionAt(clock.now(), { id: `s-${n}`, idleTimeoutMs: 9 * DAY, lifetimeMs: 9 * DAY }),
      )
      seen.add(await store.feed.newest())
      clock.advance(DAY)
      await store.sweep(clock.now())
      const { events, next } = await store.feed.read(ALL)
      assert.is(events.length, 1)
      assert.is(next, await store.feed.newest())
    }
    assert.is(seen.size, 5)
    await store.close()
  })

  test('a store that keeps no events refuses to tell of any, and does all else', async () => {
    const { store, clock } = await open({ maxEvents: 0 })
    await store.insert(sessionAt(clock.now(), { id: 'one' }))
    await store.change('one', clock.now(), claimSub('ada', 'two'))
    await store.end('two', clock.now(), 'logout')
    await store.sweep(clock.now())
    assert.is(await reasonOf(store, 'two', clock.now()), 'logout')
    assert.is(await store.feed.read(ALL).catch(codeOf), 'events_not_kept')
    assert.is(await store.feed.read({ ...ALL, after: '1' }).catch(codeOf), 'events_not_kept')
    assert.is(await store.feed.newest().catch(codeOf), 'events_not_kept')
    await store.close()
  })

  test('events are counted, and the oldest that is kept has its time', async () => {
    const { store, clock } = await open({ maxEvents: 2 })
    const none = { written: 0, kept: 0, oldestAt: undefined }
    assert.equal(store.counts().events, none)
    const began = clock.now()
    for (const id of ['one', 'two', 'three']) {
      await store.insert(sessionAt(clock.now(), { id }))
      clock.advance(1)
    }
    assert.equal(store.counts().events, { written: 3, kept: 3, oldestAt: began })
    await store.sweep(clock.now())
    assert.equal(store.counts().events, { written: 3, kept: 2, oldestAt: began + 1 })
    await store.close()
    const without = await open({ maxEvents: 0 })
    await without.store.insert(sessionAt(clock.now(), { id: 'one' }))
    assert.equal(without.store.counts().events, none)
    await without.store.close()
  })

  test('who watches is woken by each kind of change, until the watch is stopped', async () => {
    const { store, clock } = await open()
    const now = clock.now()
    let woken = 0
    const stop = store.feed.watch(() => woken++)
    const stopOther = store.feed.watch(() => woken++)
    stopOther()
    const changes = [
      () => store.insert(sessionAt(now, { id: 'one' })),
      () => store.change('one', now, { name: 'update', claims: '{"sub":"ada"}' }),
      () => store.change('one', now, renewTo('two')),
      () => store.end('two', now, 'logout'),
      () => store.insert(sessionOf('ada', { id: 'three', createdAt: now })),
      () => store.endMany(ADA, now, 'revoked', 10),
      () => store.insert(sessionAt(now, { id: 'four' })),
      () => store.sweep(now + HOUR),
    ]
    for (const [index, change] of changes.entries()) {
      const before = woken
      await change()
      assert.is(woken, before + 1, String(index))
    }
    stop()
    const before = woken
    await store.insert(sessionAt(now, { id: 'five' }))
    assert.is(woken, before)
    await store.close()
  })

  test('who was told of an end finds no session any more', async () => {
    const { store, clock } = await open()
    const now = clock.now()
    for (let n = 0; n < 20; n++) {
      const id = `session-${n}`
      await store.insert(sessionAt(now, { id }))
      await store.find(id, now)
      const ending = store.end(id, now, 'logout')
      const { events } = await store.feed.read({ ...ALL, session: id })
      const isTold = events.some(({ type }) => type === 'session.ended')
      if (isTold) assert.is(await reasonOf(store, id, now), 'logout')
      await ending
    }
    await store.close()
  })

  test.run()
}

type Told = Pick<FeedEvent, 'type' | 'session' | 'at' | 'sub'>

function told(type: FeedEvent['type'], session: string, at: number, sub?: string): Told {
  return { type, session, at, sub }
}

/** All events, without their cursors. */
async function tell(store: Store): Promise<Omit<FeedEvent, 'cursor'>[]> {
  const { events } = await store.feed.read(ALL)
  return events.map(({ cursor: _, ...others }) => others)
}

async function readPages(store: Store, query: FeedQuery): Promise<FeedEvent[]> {
  const events: FeedEvent[] = []
  for (let after: Cursor | undefined; ;) {
    const page = await store.feed.read({ ...query, after })
    assert.ok(page.events.length <= query.limit)
    events.push(...page.events)
    if (page.next === after) return events
    after = page.next
  }
}
