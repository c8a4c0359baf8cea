import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Store } from '../../lib/store/store.ts'
import { codeOf } from '../kit/runner/code-of.ts'
import { MINUTE } from '../kit/store/limits.ts'
import { sessionAt } from '../kit/store/session-at.ts'
import type { OpenStore } from './open-store.ts'
import { claimSub, sessionOf } from './sample-sessions.ts'

/** What every store promises of its counts of who was active. */
export function testActive(name: string, open: OpenStore): void {
  const test = suite(`contract, active: ${name}`)

  test('nobody was active in a new store, and since is the begin of a minute or later', async () => {
    const { store, clock } = await open()
    const now = clock.now()
    const { sessions, users, since } = await store.active({ app: undefined, withinMs: MINUTE }, now)
    assert.equal([sessions, users], [0, 0])
    assert.ok(since >= now - 2 * MINUTE && since <= now, String(now - since))
    await store.close()
  })

  test('a session that begins is active, and its user once, with however many sessions', async () => {
    const { store, clock } = await open()
    const now = clock.now()
    for (const id of ['laptop', 'phone']) {
      await store.insert(sessionOf('ada', { id, createdAt: now }))
    }
    await store.insert(sessionOf('bob', { id: 'bob', createdAt: now }))
    await store.insert(sessionAt(now, { id: 'nobody' }))
    assert.is((await store.insert(sessionAt(now, { id: 'nobody' }))).inserted, false)
    assert.equal(await activeIn(store, now), [4, 2])
    await store.close()
  })

  test('a write and a touch are activity, a look and the end are none', async () => {
    const { store, clock } = await open()
    const began = clock.now()
    for (const id of ['written', 'touched', 'seen', 'ended']) {
      await store.insert(sessionOf(id, { id, createdAt: began }))
    }
    clock.advance(10 * MINUTE)
    const now = clock.now()
    assert.equal(await activeIn(store, now), [0, 0])
    await store.change('written', now, { name: 'set', key: 'k', value: '1' })
    assert.equal(await activeIn(store, now), [1, 1])
    await store.find('touched', now)
    store.touch('touched', now)
    await store.find('seen', now)
    await store.end('ended', now, 'logout')
    await store.change('ended', now, { name: 'clear' })
    clock.advance(2_000)
    await store.sweep(clock.now())
    assert.equal(await activeIn(store, clock.now()), [2, 2])
    await store.close()
  })

  test('a log-in counts its user', async () => {
    const { store, clock } = await open()
    const now = clock.now()
    await store.insert(sessionAt(now, { id: 'visitor' }))
    assert.equal(await activeIn(store, now), [1, 0])
    await store.change('visitor', now, claimSub('ada', 'logged-in'))
    assert.is((await activeIn(store, now))[1], 1)
    await store.close()
  })

  test('activity counts for the time that is asked, and up to a minute longer', async () => {
    const { store, clock } = await open()
    // Just before a minute is over, and after that so many minutes, less a moment.
    clock.advance(MINUTE - 1)
    await store.insert(sessionAt(clock.now(), { id: 'one' }))
    clock.advance(5 * MINUTE)
    assert.is((await activeIn(store, clock.now(), 5 * MINUTE))[0], 1)
    assert.is((await activeIn(store, clock.now(), 4 * MINUTE))[0], 0)
    clock.advance(1)
    assert.is((await activeIn(store, clock.now(), 5 * MINUTE))[0], 0)
    assert.is((await activeIn(store, clock.now(), 60 * MINUTE))[0], 1)
    clock.advance(55 * MINUTE)
    assert.is((await activeIn(store, clock.now(), 60 * MINUTE))[0], 0)
    await store.close()
  })

  test('an hour is over, and its minutes are used again', async () => {
    const { store, clock } = await open()
    for (let minute = 0; minute < 150; minute++) {
      const id = `session-${minute}`
      await store.insert(sessionOf(id, { id, createdAt: clock.now() }))
      clock.advance(MINUTE)
    }
    // The hour before this moment, which begins with a minute: an hour ago, and 59 more.
    assert.equal(await activeIn(store, clock.now(), 60 * MINUTE), [60, 60])
    assert.equal(await activeIn(store, clock.now(), 5 * MINUTE), [5, 5])
    await store.close()
  })

  test('a clock that was ahead and is set right leaves nothing that stays active', async () => {
    const { store, clock } = await open()
    const now = clock.now()
    clock.set(now + 600 * MINUTE)
    await store.insert(sessionOf('ahead', { id: 'ahead', createdAt: clock.now() }))
    clock.set(now)
    assert.equal(await activeIn(store, now), [0, 0])
    // In the same place of the hour.
    clock.set(now + 600 * MINUTE - 61 * 9 * MINUTE)
    await store.insert(sessionOf('ada', { id: 'ada', createdAt: clock.now() }))
    assert.equal(await activeIn(store, clock.now()), [1, 1])
    await store.close()
  })

  test("an app's count is of its own sessions, that of all has them all, and a user of two is two", async () => {
    const { store, clock } = await open()
    const now = clock.now()
    for (const id of ['shop~one', 'shop~two', 'blog~one', 'plain']) {
      await store.insert(sessionOf('ada', { id, createdAt: now }))
    }
    await store.insert(sessionAt(now, { id: 'shop~nobody' }))
    const inApp = async (app: string) => {
      const { sessions, users } = await store.active({ app, withinMs: MINUTE }, now)
      return [sessions, users]
    }
    assert.equal(await inApp('shop'), [3, 1])
    assert.equal(await inApp('blog'), [1, 1])
    assert.equal(await inApp('sho'), [0, 0])
    assert.equal(await activeIn(store, now), [5, 3])
    await store.close()
  })

  test('the sessions of Coatcheck itself are not active', async () => {
    const { store, clock } = await open()
    const now = clock.now()
    await store.insert(sessionAt(now, { id: 'dashboard-log-in-of-somebody' }))
    await store.insert(sessionAt(now, { id: 'dashboardless-session' }))
    assert.equal(await activeIn(store, now), [1, 0])
    await store.close()
  })

  test('of more apps than are kept, a count is right or refused, and all together are counted', async () => {
    const { store, clock } = await open()
    const now = clock.now()
    const apps = Array.from({ length: 40 }, (_, n) => `app-${n}`)
    for (const app of apps) {
      await store.insert(sessionOf('ada', { id: `${app}~session`, createdAt: now }))
    }
    for (const app of [...apps, 'no-app']) {
      const counted = await store.active({ app, withinMs: MINUTE }, now).then(
        ({ sessions, users }) => [sessions, users],
        (error: unknown) => codeOf(error),
      )
      const right = apps.includes(app) ? [1, 1] : [0, 0]
      assert.ok(counted === 'overloaded' || String(counted) === String(right), `${app}: ${counted}`)
    }
    assert.is((await activeIn(store, now))[0], apps.length)
    await store.close()
  })

  test('the counts for metrics say who was active within five minutes', async () => {
    const { store, clock } = await open()
    await store.insert(sessionOf('eve', { id: 'eve', createdAt: clock.now() }))
    clock.advance(10 * MINUTE)
    await store.insert(sessionOf('ada', { id: 'ada', createdAt: clock.now() }))
    const { sessions, users } = store.counts().active
    assert.equal([sessions, users], [1, 1])
    await store.close()
  })

  test.run()
}

/** How many sessions and users were active, in all apps. */
async function activeIn(store: Store, now: number, withinMs = MINUTE): Promise<number[]> {
  const { sessions, users } = await store.active({ app: undefined, withinMs }, now)
  return [sessions, users]
}
