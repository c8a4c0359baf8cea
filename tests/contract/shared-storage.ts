import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { SessionLimits } from '../../lib/session/limits.ts'
import type { Store } from '../../lib/store/store.ts'
import type { FakeClock } from '../kit/clock/fake-clock.ts'
import { codeOf } from '../kit/runner/code-of.ts'
import { HOUR, MINUTE } from '../kit/store/limits.ts'
import { sessionAt } from '../kit/store/session-at.ts'
import { EVERYBODY, sessionOf } from './sample-sessions.ts'

/** Opens two stores on one empty storage, as two servers do; both on one clock that stands still. */
export type OpenTwo = (given?: { readonly limits?: Partial<SessionLimits> }) => Promise<{
  readonly stores: readonly [Store, Store]
  readonly clock: FakeClock
}>

/** What a store promises that several servers may share: nothing is lost between them. */
export function testSharedStorage(name: string, open: OpenTwo): void {
  const test = suite(`contract, shared storage: ${name}`)

  test('of many writers on two servers each finds its key in the session', async () => {
    const { stores, clock } = await open()
    const now = clock.now()
    await stores[0].insert(sessionAt(now, { id: 'cart' }))
    await times(25, (n) =>
      turn(stores, n).change('cart', now, { name: 'set', key: `k${n}`, value: String(n) }),
    )
    for (const store of stores) {
      const found = await store.find('cart', now)
      assert.is(found.state, 'live')
      if (found.state !== 'live') return
      assert.is(Object.keys(JSON.parse(found.session.data) as object).length, 25)
      assert.is(found.session.version, 26)
    }
    await closeAll(stores)
  })

  test('increments on two servers each have a value of their own, and none is lost', async () => {
    const { stores, clock } = await open()
    const now = clock.now()
    await stores[0].insert(sessionAt(now, { id: 'hits' }))
    const values = new Set<string>()
    await times(50, async (n) => {
      for (let round = 0; round < 20; round++) {
        const operation = { name: 'increment', key: 'n', by: '1' } as const
        const changed = await turn(stores, n + round).change('hits', now, operation)
        if (changed.state === 'live') values.add(String(changed.value))
      }
    })
    assert.is(values.size, 1_000)
    assert.ok(values.has('1000'))
    await closeAll(stores)
  })

  test('a pop that many ask for on two servers has one winner', async () => {
    const { stores, clock } = await open()
    const now = clock.now()
    for (let round = 0; round < 20; round++) {
      const id = `popped-${round}`
      await turn(stores, round).insert(sessionAt(now, { id, data: '{"once":1}' }))
      const outcomes = await times(10, (n) =>
        turn(stores, n)
          .change(id, now, { name: 'pop', key: 'once' })
          .then(({ state }) => state, codeOf),
      )
      assert.equal(outcomes.toSorted(), [...Array<string>(9).fill('key_not_found'), 'live'])
    }
    await closeAll(stores)
  })

  test('no write on one server revives what has ended on the other', async () => {
    const { stores, clock } = await open()
    const now = clock.now()
    for (let round = 0; round < 20; round++) {
      const id = `out-${round}`
      await turn(stores, round).insert(sessionAt(now, { id }))
      let isOver = false
      const writes = times(12, async (n) => {
        for (let again = 0; again < 4; again++) {
          const wasOver = isOver
          const key = `k${n}`
          const operation = { name: 'set', key, value: String(again) } as const
          const { state } = await turn(stores, n).change(id, now, operation)
          if (wasOver) assert.is(state, 'ended')
        }
      })
      const found = await turn(stores, round + 1).end(id, now, 'logout')
      isOver = true
      assert.is(found.state, 'live')
      await writes
      for (const store of stores) assert.is((await store.find(id, now)).state, 'ended')
    }
    await closeAll(stores)
  })

  test('a write to what was found before another server wrote to it loses nothing', async () => {
    const { stores, clock } = await open()
    const now = clock.now()
    const set = (key: string) => ({ name: 'set', key, value: '1' }) as const
    for (let round = 0; round < 10; round++) {
      const id = `stale-${round}`
      await turn(stores, round).insert(sessionAt(now, { id }))
      const [one, other] = [turn(stores, round), turn(stores, round + 1)]
      assert.is((await one.find(id, now)).state, 'live')
      await other.change(id, now, set('theirs'))
      await one.change(id, now, set('ours'))
      for (const store of stores) {
        const found = await store.find(id, now)
        assert.is(found.state === 'live' && found.session.data, '{"theirs":1,"ours":1}')
      }
    }
    await closeAll(stores)
  })

  test('what is found before each write on two servers is no word on what is there then', async () => {
    const { stores, clock } = await open()
    const now = clock.now()
    await stores[0].insert(sessionAt(now, { id: 'hits' }))
    const values = new Set<string>()
    await times(20, async (n) => {
      for (let round = 0; round < 10; round++) {
        const store = turn(stores, n + round)
        await store.find('hits', now)
        const changed = await store.change('hits', now, { name: 'increment', key: 'n', by: '1' })
        if (changed.state === 'live') values.add(String(changed.value))
      }
    })
    assert.is(values.size, 200)
    assert.ok(values.has('200'))
    await closeAll(stores)
  })

  test('nothing is refused for how it was found before another server wrote to it', async () => {
    const { stores, clock } = await open()
    const now = clock.now()
    await stores[0].insert(sessionAt(now, { id: 'filled' }))
    await stores[0].find('filled', now)
    await stores[1].change('filled', now, { name: 'set', key: 'once', value: '"here"' })
    const popped = await stores[0].change('filled', now, { name: 'pop', key: 'once' })
    assert.is(popped.state === 'live' && popped.value, '"here"')
    const required = { name: 'clear', when: { required: ['4'] } } as const
    await stores[0].find('filled', now)
    await stores[1].change('filled', now, { name: 'set', key: 'more', value: '1' })
    assert.is((await stores[0].change('filled', now, required)).state, 'live')
    await closeAll(stores)
  })

  test('what was found is neither written to nor ended once it has ended elsewhere', async () => {
    const { stores, clock } = await open()
    const now = clock.now()
    const set = { name: 'set', key: 'late', value: '1' } as const
    for (const id of ['changed', 'ended', 'renewed']) {
      await stores[0].insert(sessionAt(now, { id }))
      await stores[0].find(id, now)
    }
    await stores[1].end('changed', now, 'logout')
    await stores[1].end('ended', now, 'logout')
    const renewal = { id: 'renewed-as', secretHash: null }
    await stores[1].change('renewed', now, { name: 'renew', renewal })
    assert.is((await stores[0].change('changed', now, set)).state, 'ended')
    assert.is((await stores[0].end('ended', now, 'revoked')).state, 'ended')
    assert.is((await stores[0].change('renewed', now, set)).state, 'ended')
    const found = await stores[0].find('renewed-as', now)
    assert.is(found.state === 'live' && found.session.data, '{}')
    await closeAll(stores)
  })

  test('a session that has come into the place of one that was found is written to as it is', async () => {
    const { stores, clock } = await open()
    const now = clock.now()
    // Its end is not remembered, and all is as it was but what it has.
    const before = sessionAt(now, { id: 'chosen', data: '{"of":"before"}', keepEndedMs: 0 })
    await stores[0].insert(before)
    await stores[0].find('chosen', now)
    await stores[1].end('chosen', now, 'logout')
    const { inserted } = await stores[1].insert({ ...before, data: '{"of":"now"}' })
    assert.ok(inserted)
    await stores[0].change('chosen', now, { name: 'set', key: 'more', value: '1' })
    const found = await stores[1].find('chosen', now)
    assert.is(found.state === 'live' && found.session.data, '{"of":"now","more":1}')
    await closeAll(stores)
  })

  test('a limit of sessions holds for log-ins on two servers at once', async () => {
    const { stores, clock } = await open({ limits: { maxSessionsPerSub: 5 } })
    const now = clock.now()
    for (let round = 0; round < 10; round++) {
      const sub = `user-${round}`
      const inserted = await times(20, (n) =>
        turn(stores, n).insert(sessionOf(sub, { id: `${sub}-${n}`, createdAt: now })),
      )
      assert.is(new Set(inserted.flatMap(({ evicted }) => evicted)).size, 15)
      assert.is(await turn(stores, round).count({ app: undefined, sub }, now), 5)
    }
    await closeAll(stores)
  })

  test('of renewals of one session on two servers one wins', async () => {
    const { stores, clock } = await open()
    const now = clock.now()
    for (let round = 0; round < 10; round++) {
      const id = `old-${round}`
      await turn(stores, round).insert(sessionAt(now, { id }))
      const renewed = await times(10, (n) => {
        const renewal = { id: `new-${round}-${n}`, secretHash: null }
        return turn(stores, n).change(id, now, { name: 'renew', renewal })
      })
      assert.is(renewed.filter(({ state }) => state === 'live').length, 1)
    }
    assert.is(await stores[0].count({ app: undefined, sub: undefined }, now), 10)
    await closeAll(stores)
  })

  test('of sessions of one id that two servers create one is there', async () => {
    const { stores, clock } = await open()
    const now = clock.now()
    for (let round = 0; round < 10; round++) {
      const inserted = await times(10, (n) =>
        turn(stores, n).insert(sessionAt(now, { id: `chosen-${round}`, data: `{"n":${n}}` })),
      )
      assert.is(inserted.filter((one) => one.inserted).length, 1)
    }
    await closeAll(stores)
  })

  test('whoever is logged out everywhere while their sessions are renewed has none left', async () => {
    const { stores, clock } = await open()
    const now = clock.now()
    for (let round = 0; round < 10; round++) {
      const sub = `user-${round}`
      const ids = Array.from({ length: 10 }, (_, n) => `${sub}-${n}`)
      for (const id of ids) await stores[0].insert(sessionOf(sub, { id, createdAt: now }))
      const renewals = times(10, (n) => {
        const renewal = { id: `${sub}-${n}-again`, secretHash: null }
        return turn(stores, n).change(`${sub}-${n}`, now, { name: 'renew', renewal })
      })
      const which = { app: undefined, sub, except: undefined }
      const { ended } = await stores[1].endMany(which, now, 'revoked', 100)
      const renewed = await renewals
      const left = await stores[0].count({ app: undefined, sub }, now)
      // One that was renewed after all were ended cannot be: its old id was over.
      assert.is(left, 0, `${ended} ended, ${renewed.filter((one) => one.state === 'live').length}`)
    }
    await closeAll(stores)
  })

  test('crossing log-ins and log-outs everywhere of few users come to an end', async () => {
    const { stores, clock } = await open({ limits: { maxSessionsPerSub: 3 } })
    const now = clock.now()
    let made = 0
    await times(12, async (n) => {
      for (let round = 0; round < 10; round++) {
        const sub = `cross-${(n * 7 + round * 3) % 4}`
        const store = turn(stores, n + round)
        if (round % 5 === 4) {
          await store.endMany({ app: undefined, sub, except: undefined }, now, 'revoked', 100)
        } else {
          await store.insert(sessionOf(sub, { id: `cross-${made++}`, createdAt: now }))
        }
      }
    })
    for (let user = 0; user < 4; user++) {
      const count = await stores[0].count({ app: undefined, sub: `cross-${user}` }, now)
      assert.ok(count <= 3, `${count} sessions`)
    }
    await closeAll(stores)
  })

  test('activity on one server near the end of a session is known to the other', async () => {
    const { stores, clock } = await open()
    await stores[0].insert(sessionAt(clock.now(), { id: 'busy', idleTimeoutMs: MINUTE }))
    clock.advance(MINUTE - 1)
    const now = clock.now()
    assert.is((await stores[0].find('busy', now)).state, 'live')
    await stores[0].touch('busy', now)
    assert.is((await stores[1].find('busy', now + 1)).state, 'live')
    assert.is((await stores[1].find('busy', now + MINUTE)).state, 'ended')
    await closeAll(stores)
  })

  test('a session that one server has shown as over is over on the other, whatever comes then', async () => {
    const { stores, clock } = await open()
    await stores[0].insert(sessionAt(clock.now(), { id: 'idle', idleTimeoutMs: MINUTE }))
    const now = clock.now() + MINUTE
    assert.is((await stores[1].find('idle', now)).state, 'ended')
    // A clock that is behind: by it, the session would be live.
    await stores[0].touch('idle', now - 1)
    const changed = await stores[0].change('idle', now - 1, { name: 'clear' })
    assert.is(changed.state, 'ended')
    assert.is((await stores[0].find('idle', now - 1)).state, 'ended')
    await closeAll(stores)
  })

  test('two sweeps at once end each session once', async () => {
    const { stores, clock } = await open()
    for (let n = 0; n < 40; n++) await stores[0].insert(sessionAt(clock.now(), { id: `due-${n}` }))
    clock.advance(HOUR)
    const swept = await Promise.all(stores.map((store) => store.sweep(clock.now())))
    assert.is(swept[0]!.ended + swept[1]!.ended, 40)
    assert.equal((await stores[0].list(EVERYBODY, clock.now())).sessions, [])
    await closeAll(stores)
  })

  test.run()
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
