import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Session } from '../../lib/session/session.ts'
import type { OperatorStore, OperatorStores } from '../../lib/store/operator-store.ts'
import { createFakeClock } from '../kit/clock/fake-clock.ts'
import { HOUR } from '../kit/store/limits.ts'
import { sessionAt } from '../kit/store/session-at.ts'
import { EVERYBODY, idsOf, sessionOf } from './sample-sessions.ts'

const NOW = createFakeClock().now()

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
