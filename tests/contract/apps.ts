import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { codeOf } from '../kit/runner/code-of.ts'
import { HOUR, MINUTE } from '../kit/store/limits.ts'
import { sessionAt } from '../kit/store/session-at.ts'
import type { OpenStore } from './open-store.ts'
import {
  claimSub,
  EVERYBODY,
  idsOf,
  readPages,
  reasonOf,
  renewTo,
  sessionOf,
} from './sample-sessions.ts'

const ALL = { app: undefined, sub: undefined }
const SHOP = { app: 'shop', sub: undefined }
const ADA_OF_SHOP = { app: 'shop', sub: 'ada' }

/** Ids and subs are the same in all apps, and the name of one app begins as that of another. */
const IDS = [
  ...['one', 'two', 'three'],
  ...['shop~one', 'shop~two', 'shop~three'],
  ...['shop-b~one', 'shop-b~two'],
  ...['sho~one', 's~one'],
]

/** What every store promises of apps: nothing of one app is seen or ended with another's. */
export function testApps(name: string, open: OpenStore): void {
  const test = suite(`contract, apps: ${name}`)

  test('list shows the sessions of one app, of one user in it, or those of all apps', async () => {
    const { store, now } = await openWithApps(open)
    assert.equal(idsOf(await store.list({ ...EVERYBODY }, now)), IDS)
    const ofShop = ['shop~one', 'shop~two', 'shop~three']
    assert.equal(idsOf(await store.list({ ...EVERYBODY, ...SHOP }, now)), ofShop)
    const ofAda = idsOf(await store.list({ ...EVERYBODY, ...ADA_OF_SHOP }, now))
    assert.equal(ofAda, ['shop~one', 'shop~two'])
    const everyAda = idsOf(await store.list({ ...EVERYBODY, sub: 'ada' }, now))
    assert.equal(
      everyAda,
      IDS.filter((id) => !id.endsWith('three')),
    )
    for (const app of ['', 'Shop', 'shop~', 'sh', 'shop-', 'shop-b~', '%', 'one', 'null']) {
      assert.equal(idsOf(await store.list({ ...EVERYBODY, app }, now)), [], app)
      assert.is(await store.count({ app, sub: undefined }, now), 0, app)
    }
    await store.close()
  })

  test('pages of an app show each of its sessions once, whatever stands between them', async () => {
    const { store, now } = await openWithApps(open)
    for (const limit of [1, 2, 3]) {
      const pages = await readPages(store, { ...EVERYBODY, ...SHOP, limit }, now)
      assert.equal(pages, ['shop~one', 'shop~two', 'shop~three'], String(limit))
    }
    assert.equal(await readPages(store, { ...EVERYBODY, ...ADA_OF_SHOP, limit: 1 }, now), [
      'shop~one',
      'shop~two',
    ])
    await store.close()
  })

  test("a cursor of one app's list shows another app nothing but its own sessions", async () => {
    const { store, now } = await openWithApps(open)
    const { next } = await store.list({ ...EVERYBODY, app: 'shop-b', limit: 1 }, now)
    const page = await store.list({ ...EVERYBODY, ...SHOP, after: next }, now)
    assert.ok(idsOf(page).every((id) => id.startsWith('shop~')))
    await store.close()
  })

  test('count counts live sessions of one app, one user, both or all', async () => {
    const { store, now } = await openWithApps(open)
    const counts = [ALL, SHOP, ADA_OF_SHOP, { ...ALL, sub: 'ada' }, { ...SHOP, sub: 'bob' }]
    assert.equal(await Promise.all(counts.map((which) => store.count(which, now))), [
      ...[IDS.length, 3, 2],
      ...[IDS.length - 2, 0],
    ])
    await store.end('shop~one', now, 'logout')
    await store.change('shop~two', now, claimSub('eve', 'shop~renewed'))
    assert.is(await store.count(SHOP, now), 2)
    assert.is(await store.count(ADA_OF_SHOP, now), 0)
    assert.is(await store.count({ ...SHOP, sub: 'eve' }, now), 2)
    assert.is(await store.count(ALL, now + 30 * MINUTE), 0)
    await store.close()
  })

  test('count counts a session that only a touch not written yet keeps alive, to its end', async () => {
    const { store, clock } = await open()
    const began = clock.now()
    for (const id of ['shop~idle', 'shop~busy']) {
      await store.insert(sessionOf('ada', { id, createdAt: began }))
    }
    store.touch('shop~busy', began + 20 * MINUTE)
    assert.is(await store.count(SHOP, began + 29 * MINUTE), 2)
    assert.is(await store.count(SHOP, began + 40 * MINUTE), 1)
    assert.is(await store.count(ALL, began + 40 * MINUTE), 1)
    assert.is(await store.count(SHOP, began + 50 * MINUTE), 0)
    await store.close()
  })

  test('endMany ends those of one app or of one user in it, and spares the exception', async () => {
    const { store, now } = await openWithApps(open)
    const spared = { ...ADA_OF_SHOP, except: 'shop~two' }
    assert.equal(await store.endMany(spared, now, 'revoked', 10), { ended: 1, more: false })
    assert.is(await reasonOf(store, 'shop~one', now), 'revoked')
    // The same id in another app is no exception.
    const others = { ...SHOP, except: 'two' }
    assert.equal(await store.endMany(others, now, 'revoked', 10), { ended: 2, more: false })
    const left = IDS.filter((id) => !id.startsWith('shop~'))
    assert.equal(idsOf(await store.list(EVERYBODY, now)), left)
    await store.close()
  })

  test('endMany of an app ends a part at a time, and counts none that has expired', async () => {
    const { store, clock } = await open()
    const now = clock.now()
    await store.insert(sessionAt(now - HOUR, { id: 'shop~expired' }))
    for (let n = 0; n < 5; n++) {
      await store.insert(sessionAt(now, { id: `shop~${n}` }))
      await store.insert(sessionAt(now, { id: `other~${n}` }))
    }
    const counts: number[] = []
    for (let n = 0; n < 4; n++) {
      counts.push((await store.endMany({ ...SHOP, except: undefined }, now, 'revoked', 2)).ended)
    }
    assert.equal(counts, [2, 2, 1, 0])
    assert.is(await reasonOf(store, 'shop~expired', now), 'idle_timeout')
    assert.is(await store.count(ALL, now), 5)
    await store.close()
  })

  test('endMany of all apps ends those of each', async () => {
    const { store, now } = await openWithApps(open)
    const all = { ...ALL, except: 'shop~one' }
    assert.is((await store.endMany(all, now, 'revoked', 100)).ended, IDS.length - 1)
    assert.equal(idsOf(await store.list(EVERYBODY, now)), ['shop~one'])
    await store.close()
  })

  test('an id of one app is free in another, and its end is told in its own app alone', async () => {
    const { store, now } = await openWithApps(open)
    await store.end('shop~one', now, 'logout')
    assert.is(await reasonOf(store, 'shop~one', now), 'logout')
    assert.is(await reasonOf(store, 'one', now), 'live')
    assert.is(await reasonOf(store, 'shop-b~one', now), 'live')
    assert.is(await reasonOf(store, 'shop-c~one', now), 'absent')
    assert.is((await store.insert(sessionAt(now, { id: 'shop~one' }))).inserted, false)
    assert.is((await store.insert(sessionAt(now, { id: 'shop-c~one' }))).inserted, true)
    await store.close()
  })

  test('the limit of a sub counts and evicts within one app', async () => {
    const { store, clock } = await open({ limits: { maxSessionsPerSub: 1 } })
    const now = clock.now()
    for (const id of ['first', 'shop~first', 'shop-b~first']) {
      const inserted = await store.insert(sessionOf('ada', { id, createdAt: now - 1 }))
      assert.equal(inserted, { inserted: true, evicted: [] }, id)
    }
    for (const app of ['', 'shop~', 'shop-b~']) {
      const id = `${app}second`
      const inserted = await store.insert(sessionOf('ada', { id, createdAt: now }))
      assert.equal(inserted, { inserted: true, evicted: [`${app}first`] }, id)
    }
    assert.is(await store.count({ ...ALL, sub: 'ada' }, now), 3)
    await store.close()
  })

  test('a change of sub evicts within the app of the session', async () => {
    const { store, clock } = await open({ limits: { maxSessionsPerSub: 1 } })
    const now = clock.now()
    for (const id of ['laptop', 'shop~laptop', 'shop-b~laptop']) {
      await store.insert(sessionOf('ada', { id, createdAt: now }))
    }
    for (const app of ['', 'shop~']) {
      await store.insert(sessionAt(now, { id: `${app}visitor` }))
      const logIn = claimSub('ada', `${app}logged-in`)
      const changed = await store.change(`${app}visitor`, now, logIn)
      assert.equal(changed.state === 'live' && changed.evicted, [`${app}laptop`])
    }
    assert.is(await reasonOf(store, 'shop-b~laptop', now), 'live')
    await store.close()
  })

  test('a limit that refuses does so for the app that is full', async () => {
    const limits = { maxSessionsPerSub: 1, onSessionLimit: 'refuse' } as const
    const { store, clock } = await open({ limits })
    const now = clock.now()
    for (const app of ['', 'shop~', 'shop-b~']) {
      const [one, two] = ['one', 'two'].map((id) =>
        sessionOf('ada', { id: app + id, createdAt: now }),
      )
      assert.ok(one && two)
      assert.is((await store.insert(one)).inserted, true)
      assert.is(await store.insert(two).catch(codeOf), 'too_many_sessions')
    }
    await store.close()
  })

  test('a renewed session keeps its place in the lists of its app', async () => {
    const { store, now } = await openWithApps(open)
    await store.change('shop~two', now, renewTo('shop~renewed'))
    const listed = idsOf(await store.list({ ...EVERYBODY, ...SHOP }, now))
    assert.equal(listed, ['shop~one', 'shop~renewed', 'shop~three'])
    assert.equal(idsOf(await store.list({ ...EVERYBODY, ...ADA_OF_SHOP }, now)), [
      'shop~one',
      'shop~renewed',
    ])
    assert.is(await reasonOf(store, 'shop~two', now), 'renewed')
    await store.close()
  })

  test('the sweep ends what has expired in each app, and it is gone from the counts', async () => {
    const { store, now } = await openWithApps(open)
    const later = now + 30 * MINUTE
    assert.is((await store.sweep(later)).ended, IDS.length)
    assert.is(await reasonOf(store, 'shop~one', later), 'idle_timeout')
    assert.equal([await store.count(SHOP, later), await store.count(ALL, later)], [0, 0])
    await store.close()
  })

  test.run()
}

async function openWithApps(open: OpenStore) {
  const { store, clock } = await open()
  for (const id of IDS) {
    const sub = id.endsWith('three') ? 'eve' : 'ada'
    await store.insert(sessionOf(sub, { id, createdAt: clock.now() }))
  }
  return { store, now: clock.now() }
}
