import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Session } from '../../lib/session/session.ts'
import type { Store } from '../../lib/store/store.ts'
import { DAY, HOUR, MINUTE } from '../kit/store/limits.ts'
import { sessionAt } from '../kit/store/session-at.ts'
import type { OpenStore } from './open-store.ts'
import { reasonOf, renewTo, sessionOf } from './sample-sessions.ts'

/** What every store promises of ends that are remembered for a time of the session's own. */
export function testKeptEnds(name: string, open: OpenStore): void {
  const test = suite(`contract, kept ends: ${name}`)

  test('a session keeps the time for which its end is remembered through every change', async () => {
    const { store, clock } = await open()
    const now = clock.now()
    const session = sessionAt(now, { id: 'one', keepEndedMs: HOUR })
    await store.insert(session)
    assert.equal(await store.find('one', now), { state: 'live', session })
    await store.change('one', now, { name: 'set', key: 'a', value: '1' })
    await store.change('one', now, { name: 'update', permanent: true })
    assert.is(await keptOf(store, 'one', now), HOUR)
    await store.change('one', now, { name: 'update', keepEndedMs: 0 })
    assert.is(await keptOf(store, 'one', now), 0)
    await store.change('one', now, { name: 'update', keepEndedMs: null })
    assert.is(await keptOf(store, 'one', now), undefined)
    await store.change('one', now, renewTo('two'))
    await store.change('two', now, {
      name: 'replace',
      data: '{}',
      permanent: false,
      keepEndedMs: 5,
    })
    assert.is(await keptOf(store, 'two', now), 5)
    await store.change('two', now, { name: 'replace', data: '{}', permanent: false })
    assert.is(await keptOf(store, 'two', now), undefined)
    await store.close()
  })

  for (const keptMs of [MINUTE, 2 * DAY]) {
    test(`an end is remembered for its own ${keptMs} ms, however it came and whatever the others have`, async () => {
      const { store, clock } = await open({ limits: { maxSessionsPerSub: 1 } })
      const now = clock.now()
      const own = { keepEndedMs: keptMs }
      await store.insert(sessionAt(now, { id: 'ended', ...own }))
      await store.insert({ ...sessionOf('ada', { id: 'evicted', createdAt: now }), ...own })
      await store.insert(sessionOf('ada', { id: 'another', createdAt: now }))
      await store.insert({ ...sessionOf('bob', { id: 'revoked', createdAt: now }), ...own })
      await store.insert(sessionAt(now - HOUR, { id: 'expired', idleTimeoutMs: HOUR, ...own }))
      await store.insert(sessionAt(now, { id: 'plain' }))
      for (const id of ['ended', 'plain']) await store.end(id, now, 'logout')
      const bob = { app: undefined, sub: 'bob', except: undefined }
      await store.endMany(bob, now, 'revoked', 10)

      const reasons = { ended: 'logout', evicted: 'evicted', revoked: 'revoked' }
      for (const [id, reason] of Object.entries({ ...reasons, expired: 'idle_timeout' })) {
        assert.is(await reasonOf(store, id, now + keptMs - 1), reason)
        assert.is(await reasonOf(store, id, now + keptMs), 'absent', id)
      }
      // Swept or not, at either moment.
      await store.sweep(now + keptMs - 1)
      for (const [id, reason] of Object.entries({ ...reasons, expired: 'idle_timeout' })) {
        assert.is(await reasonOf(store, id, now + keptMs - 1), reason)
      }
      await store.sweep(now + keptMs)
      for (const id of ['ended', 'evicted', 'revoked', 'expired']) {
        assert.is(await reasonOf(store, id, now + keptMs - 1), 'absent', id)
      }
      const plain = keptMs > DAY ? 'absent' : 'logout'
      assert.is(await reasonOf(store, 'plain', now + keptMs), plain)
      await store.close()
    })
  }

  test('an end that is remembered for no time leaves the id free at once, whatever the end was', async () => {
    const { store, clock } = await open({ limits: { maxSessionsPerSub: 1 } })
    const now = clock.now()
    const free = { keepEndedMs: 0, secretHash: null }
    const ada = (id: string) => ({ ...sessionOf('ada', { id, createdAt: now }), ...free })
    const ends: Record<string, (id: string) => Promise<unknown>> = {
      logout: (id) => store.end(id, now, 'logout'),
      revoked: () =>
        store.endMany({ app: undefined, sub: 'ada', except: undefined }, now, 'revoked', 10),
      evicted: () => store.insert(ada('another')),
    }
    for (const [how, end] of Object.entries(ends)) {
      await store.insert(ada(how))
      await store.change(how, now, { name: 'set', key: 'old', value: '1' })
      assert.is(await reasonOf(store, how, now), 'live')
      await end(how)
      assert.is(await reasonOf(store, how, now), 'absent', how)
      // What was on its way to the one that ended meets none, or the new one.
      store.touch(how, now)
      const late = await store.change(how, now, { name: 'set', key: 'late', value: '1' })
      assert.is(late.state, 'absent')
      assert.is((await store.end(how, now, 'logout')).state, 'absent')
      const again = sessionAt(now, { id: how, ...free })
      assert.equal(await store.insert(again), { inserted: true, evicted: [] })
      assert.equal(await store.find(how, now), { state: 'live', session: again })
    }
    await store.close()
  })

  test('a session that expired and is remembered for no time is gone before it is swept, and after', async () => {
    const { store, clock } = await open()
    const now = clock.now()
    for (const id of ['a', 'b']) {
      await store.insert(sessionAt(now, { id, idleTimeoutMs: MINUTE, keepEndedMs: 0 }))
    }
    const later = now + MINUTE
    assert.is(await reasonOf(store, 'a', later), 'absent')
    assert.is((await store.insert(sessionAt(later, { id: 'a' }))).inserted, true)
    assert.is((await store.sweep(later)).ended, 1)
    assert.is(await reasonOf(store, 'b', later), 'absent')
    assert.is(await reasonOf(store, 'a', later), 'live')
    await store.close()
  })

  test('a renewed token is remembered as the setting says, whatever its session says of its end', async () => {
    const { store, clock } = await open()
    const now = clock.now()
    await store.insert(sessionAt(now, { id: 'old', keepEndedMs: 0 }))
    await store.change('old', now, renewTo('new'))
    assert.is(await reasonOf(store, 'old', now + DAY - 1), 'renewed')
    assert.is(await reasonOf(store, 'old', now + DAY), 'absent')
    assert.is(await keptOf(store, 'new', now), 0)
    await store.close()
  })

  test('an end that is kept longer than the setting is not passed over for those behind it', async () => {
    const { store, clock } = await open()
    const now = clock.now()
    for (let n = 0; n < 120; n++) {
      const kept = n % 2 === 0 ? { keepEndedMs: 3 * DAY } : {}
      await store.insert(sessionAt(now, { id: `session-${n}`, ...kept }))
      await store.end(`session-${n}`, now + n, 'logout')
    }
    assert.is((await store.sweep(now + DAY + 200)).removed, 60)
    assert.is((await store.sweep(now + 3 * DAY + 200)).removed, 60)
    await store.close()
  })

  test.run()
}

async function keptOf(store: Store, id: string, now: number): Promise<Session['keepEndedMs']> {
  const found = await store.find(id, now)
  if (found.state !== 'live') throw new Error(`${id} is ${found.state}`)
  return found.session.keepEndedMs
}
