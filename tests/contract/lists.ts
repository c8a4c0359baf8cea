import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { codeOf } from '../kit/runner/code-of.ts'
import { HOUR, MINUTE } from '../kit/store/limits.ts'
import { sessionAt } from '../kit/store/session-at.ts'
import type { OpenStore } from './open-store.ts'
import {
  ADA,
  claimSub,
  EVERYBODY,
  idsOf,
  readPages,
  renewTo,
  sessionOf,
} from './sample-sessions.ts'

/** What every store promises of lists and their pages. */
export function testLists(name: string, open: OpenStore): void {
  const test = suite(`contract, lists: ${name}`)

  test('list answers live sessions only, of one sub or of everybody, in their order', async () => {
    const { store, clock } = await open()
    for (const [id, sub] of [
      ['one', 'ada'],
      ['two', 'eve'],
      ['three', 'ada'],
      ['four', undefined],
      ['five', 'ada'],
    ] as const) {
      await store.insert(sessionOf(sub, { id, createdAt: clock.now() }))
    }
    await store.end('three', clock.now(), 'logout')
    assert.equal(idsOf(await store.list(EVERYBODY, clock.now())), ['one', 'two', 'four', 'five'])
    assert.equal(idsOf(await store.list(ADA, clock.now())), ['one', 'five'])
    assert.equal(idsOf(await store.list({ ...ADA, sub: 'AD' }, clock.now())), [])
    assert.equal(await readPages(store, { ...ADA, limit: 1 }, clock.now()), ['one', 'five'])
    assert.equal(idsOf(await store.list(EVERYBODY, clock.now() + 30 * MINUTE)), [])
    await store.close()
  })

  test('list shows a session that only a touch not written yet keeps alive', async () => {
    const { store, clock } = await open()
    await store.insert(sessionOf('ada', { id: 'idle', createdAt: clock.now() }))
    await store.insert(sessionOf('ada', { id: 'busy', createdAt: clock.now() }))
    store.touch('busy', clock.now() + 20 * MINUTE)
    const { sessions } = await store.list(ADA, clock.now() + 40 * MINUTE)
    assert.equal(
      sessions.map(({ id, lastSeenAt }) => [id, lastSeenAt]),
      [['busy', clock.now() + 20 * MINUTE]],
    )
    await store.close()
  })

  test('pages show each session once that stays while others come, go and are renewed', async () => {
    const { store, clock } = await open()
    const ids = Array.from({ length: 10 }, (_, n) => `session-${n}`)
    for (const id of ids) await store.insert(sessionOf('ada', { id, createdAt: clock.now() }))
    const query = { ...ADA, limit: 3 }
    const seen: string[] = []
    let page = await store.list(query, clock.now())
    for (let round = 0; ; round++) {
      seen.push(...idsOf(page))
      if (page.next === undefined) break
      // One that was shown goes, one that was not is renewed, and one comes.
      await store.end(`session-${round}`, clock.now(), 'logout')
      const last = `session-${9 - round}`
      await store.change(last, clock.now(), renewTo(`renewed-${9 - round}`))
      await store.insert(sessionOf('eve', { id: `new-${round}`, createdAt: clock.now() }))
      page = await store.list({ ...query, after: page.next }, clock.now())
    }
    const stayed = seen.map((id) => id.replace('renewed', 'session')).toSorted()
    assert.equal(stayed, ids)
    await store.close()
  })

  test('a cursor that is none of the store is refused', async () => {
    const { store, clock } = await open()
    for (const after of ['', 'x', '-1', ' 1', '1e3', '9'.repeat(17), '\u0661']) {
      const refused = store.list({ ...EVERYBODY, after }, clock.now())
      assert.is(await refused.then(() => 'a page', codeOf), 'invalid_argument', after)
    }
    await store.close()
  })

  test('pages of large sessions may be short, and hold all of them', async () => {
    const { store, clock } = await open({ limits: { sessionLimitBytes: 1_000_000 } })
    const data = JSON.stringify({ text: 'x'.repeat(600_000) })
    for (const id of ['one', 'two', 'three']) {
      await store.insert(sessionAt(clock.now(), { id, data }))
    }
    assert.equal(await readPages(store, EVERYBODY, clock.now()), ['one', 'two', 'three'])
    await store.close()
  })

  test('pages lead past sessions that have just expired to the live ones', async () => {
    const { store, clock } = await open()
    for (const id of ['old-1', 'old-2', 'old-3', 'old-4']) {
      await store.insert(sessionOf('ada', { id, createdAt: clock.now() - HOUR }))
    }
    await store.insert(sessionOf('ada', { id: 'live', createdAt: clock.now() }))
    assert.equal(await readPages(store, { ...ADA, limit: 2 }, clock.now()), ['live'])
    await store.close()
  })

  test('a session that gets its sub while pages are read keeps its place', async () => {
    const { store, clock } = await open()
    await store.insert(sessionAt(clock.now(), { id: 'visitor' }))
    for (const id of ['one', 'two']) {
      await store.insert(sessionOf('ada', { id, createdAt: clock.now() }))
    }
    await store.change('visitor', clock.now(), claimSub('ada', 'logged-in'))
    assert.equal(idsOf(await store.list(ADA, clock.now())), ['logged-in', 'one', 'two'])
    const { next } = await store.list({ ...ADA, limit: 1 }, clock.now())
    const rest = await store.list({ ...ADA, after: next }, clock.now())
    assert.equal(idsOf(rest), ['one', 'two'])
    await store.close()
  })

  test('a sub is compared by each character, and may look like SQL', async () => {
    const { store, clock } = await open()
    const subs = ['ada', 'Ada', 'ada ', "ada' or '1'='1", '%', 'é', 'e\u0301', '1', '1.0', 'null']
    for (const sub of subs) {
      await store.insert(sessionOf(sub, { id: `of ${sub}`, createdAt: clock.now() }))
    }
    for (const sub of subs) {
      assert.equal(idsOf(await store.list({ ...ADA, sub }, clock.now())), [`of ${sub}`])
    }
    await store.close()
  })

  test.run()
}
