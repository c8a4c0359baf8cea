import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Session, Tombstone } from '../../lib/session/session.ts'
import type { ApiKey } from '../../lib/store/key-store.ts'
import type {
  OperatorReader,
  OperatorStore,
  OperatorStores,
} from '../../lib/store/operator-store.ts'
import { createFakeClock } from '../kit/clock/fake-clock.ts'
import { HOUR, MINUTE } from '../kit/store/limits.ts'
import { sessionAt } from '../kit/store/session-at.ts'
import { EVERYBODY, idsOf, sessionOf } from './sample-sessions.ts'

const NOW = createFakeClock().now()
const HALF_HOUR = 30 * MINUTE
const END: Tombstone = { id: '', secretHash: 'a', reason: 'logout', endedAt: NOW - HOUR }

/** What every store promises to operators; `makeName` names storage that is not there yet. */
export function testOperatorStore(
  name: string,
  stores: OperatorStores,
  makeName: () => string,
): void {
  const test = suite(`contract, operators: ${name}`)

  test('storage that is not there is opened by nobody, and by who may make it', async () => {
    const data = makeName()
    for (const open of [stores.openReader, stores.openStore]) {
      assert.is(
        await open(data).then(
          () => 'opened',
          () => 'refused',
        ),
        'refused',
      )
    }
    const empty = await stores.openReaderOrEmpty(data)
    assert.equal(idsOf(await empty.list(EVERYBODY, NOW)), [])
    await empty.close()
    assert.is(
      await stores.openReader(data).then(
        () => 'made',
        () => 'not made',
      ),
      'not made',
    )

    await (await stores.openOrCreateStore(data)).close()
    const reader = await stores.openReader(data)
    assert.equal([idsOf(await reader.list(EVERYBODY, NOW)), await reader.keys.list()], [[], []])
    await reader.close()
  })

  test('insertSome takes some at a time, and each session once', async () => {
    const store = await stores.openOrCreateStore(makeName())
    const sessions = Array.from({ length: 300 }, (_, n) => sessionAt(NOW, { id: `session-${n}` }))
    assert.is(await insertAll(store, sessions), 300)
    assert.is(await insertAll(store, sessions), 0)
    assert.equal(await store.find('session-299', NOW), { state: 'live', session: sessions[299] })
    assert.equal(await store.insertSome([]), { taken: 0, inserted: 0 })
    await store.close()
  })

  test('insertSome passes over an id that is in use, or was until it ended', async () => {
    const store = await stores.openOrCreateStore(makeName())
    const [live, ended, fresh] = ['live', 'ended', 'fresh'].map((id) => sessionAt(NOW, { id }))
    assert.ok(live && ended && fresh)
    await insertAll(store, [live, ended])
    await store.end('ended', NOW)
    const others = [live, ended, fresh].map((session) => ({ ...session, data: '{"other":1}' }))
    assert.is(await insertAll(store, others), 1)
    assert.equal(await store.find('live', NOW), { state: 'live', session: live })
    assert.is((await store.find('ended', NOW)).state, 'ended')
    await store.close()
  })

  test('end tells what has ended now, what had before, and what never was', async () => {
    const store = await stores.openOrCreateStore(makeName())
    await insertAll(store, [
      sessionAt(NOW, { id: 'one' }),
      sessionAt(NOW - HOUR, { id: 'expired' }),
    ])
    assert.is(await store.end('one', NOW), 'ended')
    assert.is(await store.end('one', NOW), 'over')
    assert.is(await store.end('expired', NOW), 'over')
    assert.is(await store.end('nobody', NOW), 'absent')
    assert.is(await store.serversHaveTakenNote(), true)
    const found = await store.find('one', NOW)
    assert.is(found.state === 'ended' && found.tombstone.reason, 'revoked')
    await store.close()
  })

  test("endSome ends a user's sessions and then everybody's, called until there are no more", async () => {
    const store = await stores.openOrCreateStore(makeName())
    const subs = Array.from({ length: 120 }, (_, n) => (n % 3 === 0 ? 'ada' : undefined))
    const sessions = subs.map((sub, n) => sessionOf(sub, { id: `session-${n}`, createdAt: NOW }))
    await insertAll(store, sessions)
    assert.is(await endAll(store, 'ada'), 40)
    assert.is(await endAll(store, 'ada'), 0)
    assert.is(await endAll(store, undefined), 80)
    assert.equal(idsOf(await store.list(EVERYBODY, NOW)), [])
    await store.close()
  })

  test('readEnds gives each end that is still there, swept or not, and none of what lives', async () => {
    const store = await stores.openOrCreateStore(makeName())
    const own = { keepEndedMs: 5 * MINUTE }
    await insertAll(store, [
      sessionAt(NOW, { id: 'live' }),
      sessionAt(NOW, { id: 'ended', ...own }),
      sessionAt(NOW, { id: 'shop~ended', secretHash: null }),
      sessionAt(NOW - HOUR, { id: 'idle', ...own }),
      sessionAt(NOW - 13 * HOUR, { id: 'shop~old', lastSeenAt: NOW, secretHash: null }),
      sessionAt(NOW - 1, { id: 'edge', idleTimeoutMs: 1 }),
      sessionAt(NOW, { id: 'about to', idleTimeoutMs: 1 }),
      sessionAt(NOW - HOUR, { id: 'dashboard-expired' }),
      sessionAt(NOW, { id: 'dashboard-ended' }),
    ])
    for (const id of ['ended', 'shop~ended', 'dashboard-ended']) await store.end(id, NOW)
    const buried = { id: 'buried', secretHash: 'a', reason: 'renewed', endedAt: 7 } as const
    await store.burySome([buried])
    const hash = 'hash'
    const expected: readonly Tombstone[] = [
      buried,
      { id: 'edge', secretHash: hash, reason: 'idle_timeout', endedAt: NOW },
      { id: 'ended', secretHash: hash, reason: 'revoked', endedAt: NOW, ...own },
      { id: 'idle', secretHash: hash, reason: 'idle_timeout', endedAt: NOW - HALF_HOUR, ...own },
      { id: 'shop~ended', secretHash: null, reason: 'revoked', endedAt: NOW },
      { id: 'shop~old', secretHash: null, reason: 'lifetime', endedAt: NOW - HOUR },
    ]
    assert.equal(await endsOf(store, undefined), expected)
    assert.equal(await endsOf(store, 'shop'), expected.slice(-2))
    assert.equal(await endsOf(store, 'sho'), [])
    await store.close()
  })

  test('readEnds goes on to the last of many', async () => {
    const data = makeName()
    const store = await stores.openOrCreateStore(data)
    const sessions = Array.from({ length: 240 }, (_, n) =>
      sessionAt(n % 5 === 0 ? NOW : NOW - HOUR, { id: `session-${n}` }),
    )
    await insertAll(store, sessions)
    const ends = Array.from({ length: 1_200 }, (_, n): Tombstone => ({ ...END, id: `over-${n}` }))
    assert.is(await buryAll(store, ends), 1_200)
    const reader = await stores.openReader(data)
    const ids = (await endsOf(reader, undefined)).map(({ id }) => id)
    await reader.close()
    const gone = sessions.filter((_, n) => n % 5 !== 0)
    assert.equal(ids, [...ends, ...gone].map(({ id }) => id).toSorted())
    await store.close()
  })

  test('burySome remembers ends as they were, and passes over each id that is known', async () => {
    const data = makeName()
    const store = await stores.openOrCreateStore(data)
    await insertAll(store, [
      sessionAt(NOW, { id: 'live' }),
      sessionAt(NOW, { id: 'ended' }),
      sessionAt(NOW - HOUR, { id: 'idle' }),
    ])
    await store.end('ended', NOW)
    const ends: readonly Tombstone[] = [
      ...['live', 'ended', 'idle', 'a'].map((id) => ({ ...END, id })),
      { ...END, id: 'b', secretHash: null, reason: 'evicted', keepEndedMs: 0 },
      { ...END, id: 'a', reason: 'lifetime' },
    ]
    assert.is(await buryAll(store, ends), 2)
    assert.is(await buryAll(store, ends), 0)
    assert.equal(await store.burySome([]), { taken: 0, buried: 0 })
    assert.equal(await store.find('a', NOW), { state: 'ended', tombstone: ends[3] })
    assert.equal(await store.find('b', NOW), { state: 'ended', tombstone: ends[4] })
    assert.is((await store.find('live', NOW)).state, 'live')
    const reasons = (await endsOf(store, undefined)).map(({ id, reason }) => [id, reason])
    assert.equal(reasons, [
      ['a', 'logout'],
      ['b', 'evicted'],
      ['ended', 'revoked'],
      ['idle', 'idle_timeout'],
    ])
    // What was remembered here cannot begin anew.
    assert.is(await insertAll(store, [sessionAt(NOW, { id: 'a' }), sessionAt(NOW, { id: 'c' })]), 1)
    await store.close()
  })

  test('a key is kept as it was elsewhere: revoked, and with its last use', async () => {
    const store = await stores.openOrCreateStore(makeName())
    const keys: readonly ApiKey[] = [
      { hash: 'a', name: 'shop', scope: 'read', app: 'shop', createdAt: 1, revokedAt: 5 },
      { hash: 'b', name: 'shop', scope: 'metrics', createdAt: 2, revokedAt: null, lastUsedAt: 9 },
    ]
    for (const key of keys) assert.is(await store.keys.add(key), true)
    assert.equal(await store.keys.list(), keys)
    await store.close()
  })

  test('keys are added, listed and revoked', async () => {
    const data = makeName()
    const store = await stores.openOrCreateStore(data)
    const key = { hash: 'a', name: 'shop', scope: 'all', createdAt: 1, revokedAt: null } as const
    assert.equal([await store.keys.add(key), await store.keys.add(key)], [true, false])
    assert.is(await store.keys.revoke('shop', 2), true)
    const reader = await stores.openReader(data)
    assert.equal(await reader.keys.list(), [{ ...key, revokedAt: 2 }])
    await reader.close()
    await store.close()
  })

  test.run()
}

async function insertAll(store: OperatorStore, sessions: readonly Session[]): Promise<number> {
  let total = 0
  for (let rest = sessions; rest.length > 0;) {
    const { taken, inserted } = await store.insertSome(rest)
    assert.ok(taken > 0)
    total += inserted
    rest = rest.slice(taken)
  }
  return total
}

async function buryAll(store: OperatorStore, ends: readonly Tombstone[]): Promise<number> {
  let total = 0
  for (let rest = ends; rest.length > 0;) {
    const { taken, buried } = await store.burySome(rest)
    assert.ok(taken > 0)
    total += buried
    rest = rest.slice(taken)
  }
  return total
}

/** In the order of their ids. */
async function endsOf(reader: OperatorReader, app: string | undefined): Promise<Tombstone[]> {
  const pieces = await Array.fromAsync(reader.readEnds({ app }, NOW))
  assert.equal(
    pieces.flatMap(({ damaged }) => damaged),
    [],
  )
  const ends = pieces.flatMap(({ ends: some }) => some)
  return ends.toSorted((a, b) => (a.id < b.id ? -1 : 1))
}

async function endAll(
  store: OperatorStore,
  sub: string | undefined,
  app?: string,
): Promise<number> {
  let total = 0
  for (let goesOn = true; goesOn;) {
    const { ended, more } = await store.endSome({ app, sub }, NOW)
    total += ended
    goesOn = more
  }
  return total
}
