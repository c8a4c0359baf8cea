import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { FeedEvent, FeedQuery } from '../../lib/store/feed-store.ts'
import type { Cursor } from '../../lib/store/selection.ts'
import type { Store } from '../../lib/store/store.ts'
import type { FakeClock } from '../kit/clock/fake-clock.ts'
import { HOUR, MINUTE } from '../kit/store/limits.ts'
import { sessionAt } from '../kit/store/session-at.ts'
import { claimSub, renewTo } from './sample-sessions.ts'

/** Opens two stores on one empty storage, as two servers do; both on one clock that stands still. */
export type OpenTwoAndHold = (given?: { readonly maxEvents?: number }) => Promise<{
  readonly stores: readonly [Store, Store]
  readonly clock: FakeClock
  /**
   * Ends a session, as `revoked`, as a third server does that stands still before its transaction is
   * committed; the function that it returns commits it.
   */
  readonly holdEnd: (id: string, now: number) => Promise<() => Promise<void>>
}>

const ALL: FeedQuery = {
  ...{ after: undefined, limit: 1_000, type: undefined },
  ...{ sub: undefined, session: undefined, app: undefined },
}

/** What a feed promises that several servers write at once. */
export function testSharedFeed(name: string, open: OpenTwoAndHold): void {
  const test = suite(`contract, shared feed: ${name}`)

  test('who reads on while two servers write and a transaction stays open misses nothing', async () => {
    const { stores, clock, holdEnd } = await open()
    const now = clock.now()
    await stores[0].insert(sessionAt(now, { id: 'held' }))
    const reader = readOn(stores[1])
    const release = await holdEnd('held', now)
    await times(6, (n) => live(stores, `early-${n}`, now))
    // Nobody waits for the one that stands still.
    await reader.until((events) => events.some(({ session }) => session === 'early-5.2'))
    assert.is(linesOf(reader.events, 'held').length, 1)
    await release()
    await times(6, (n) => live(stores, `late-${n}`, now))
    const events = await reader.stop()

    assert.equal(linesOf(events, 'held'), ['created held', 'ended held'])
    for (let n = 0; n < 6; n++) {
      for (const id of [`early-${n}`, `late-${n}`]) {
        assert.equal(linesOf(events, id), [
          `created ${id}`,
          `assigned ${id}`,
          `renewed ${id}`,
          `renewed ${id}.1`,
          `ended ${id}.2`,
        ])
      }
    }
    assert.is(events.length, 2 + 12 * 5)
    assert.is(new Set(events.map(({ cursor }) => cursor)).size, events.length)
    assert.equal((await stores[0].feed.read(ALL)).events, events)
    await closeAll(stores)
  })

  test('who dies of their age is told of once, whoever comes upon them', async () => {
    const { stores, clock } = await open()
    const began = clock.now()
    const ids = Array.from({ length: 20 }, (_, n) => `idle-${n}`)
    for (const id of ids) {
      await stores[0].insert(sessionAt(began, { id, idleTimeoutMs: MINUTE }))
    }
    clock.advance(HOUR)
    const now = clock.now()
    await Promise.all([
      ...ids.slice(0, 15).flatMap((id) => stores.map(async (store) => store.find(id, now))),
      ...ids.slice(5, 10).map((id) => stores[1].end(id, now, 'logout')),
    ])
    await Promise.all(stores.map((store) => store.sweep(now)))
    const { events } = await stores[0].feed.read({ ...ALL, type: 'session.ended' })
    assert.equal(events.map(({ session }) => session).toSorted(), ids.toSorted())
    for (const event of events) {
      assert.is(event.at, began + MINUTE)
      assert.is(event.type === 'session.ended' && event.reason, 'idle_timeout')
    }
    await closeAll(stores)
  })

  test('two servers that forget at once keep what is to be kept', async () => {
    const { stores, clock } = await open({ maxEvents: 7 })
    for (let n = 0; n < 30; n++) {
      await turn(stores, n).insert(sessionAt(clock.now(), { id: `session-${n}` }))
    }
    await Promise.all(stores.map((store) => store.sweep(clock.now())))
    const { events } = await stores[0].feed.read(ALL)
    assert.equal(
      events.map(({ session }) => session),
      Array.from({ length: 7 }, (_, n) => `session-${23 + n}`),
    )
    assert.is(stores[0].counts().events.written + stores[1].counts().events.written, 30)
    for (const store of stores) assert.is(store.counts().events.kept, 7)
    await closeAll(stores)
  })

  test('who watches one server is woken within a second by what another does', async () => {
    const { stores, clock } = await open()
    const woken = new Promise<void>((resolve) => void stores[0].feed.watch(resolve))
    await stores[1].insert(sessionAt(clock.now(), { id: 'there' }))
    clock.advance(1_000)
    await woken
    assert.is((await stores[0].feed.read(ALL)).events.length, 1)
    await closeAll(stores)
  })

  test.run()
}

/** The life of a session, each step on the other server, at the same moment as those of others. */
async function live(stores: readonly [Store, Store], id: string, now: number): Promise<void> {
  await turn(stores, 0).insert(sessionAt(now, { id }))
  await turn(stores, 1).change(id, now, claimSub('ada', `${id}.1`))
  await turn(stores, 2).change(`${id}.1`, now, renewTo(`${id}.2`))
  await turn(stores, 3).end(`${id}.2`, now, 'logout')
}

/** Goes through the feed in small pages, again and again, until it is stopped and there is nothing newer. */
function readOn(store: Store) {
  const events: FeedEvent[] = []
  let isStopped = false

  async function run(): Promise<void> {
    for (let after: Cursor | undefined; ;) {
      const isLast = isStopped
      const page = await store.feed.read({ ...ALL, after, limit: 7 })
      events.push(...page.events)
      if (isLast && page.next === after) return
      after = page.next
    }
  }

  const running = run()
  return {
    events,
    /** Rejects where the reader has failed. */
    async until(isThere: (events: readonly FeedEvent[]) => boolean): Promise<void> {
      while (!isThere(events)) await Promise.race([running, pause(5)])
    },
    async stop(): Promise<readonly FeedEvent[]> {
      isStopped = true
      await running
      return events
    },
  }
}

/** What was read of the session, under whatever id. */
function linesOf(events: readonly FeedEvent[], id: string): string[] {
  return events
    .filter(({ session }) => session === id || session.startsWith(`${id}.`))
    .map(({ type, session }) => `${type.slice(8)} ${session}`)
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function turn([one, other]: readonly [Store, Store], n: number): Store {
  return n % 2 === 0 ? one : other
}

function times<T>(count: number, run: (n: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, n) => run(n)))
}

async function closeAll(stores: readonly Store[]): Promise<void> {
  for (const store of stores) await store.close()
}
