import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Operation } from '../../../lib/session/operations.ts'
import type { SessionLimits } from '../../../lib/session/limits.ts'
import type { Page, Store } from '../../../lib/store/store.ts'
import type { FakeClock } from '../clock/fake-clock.ts'
import { DAY, HOUR, MINUTE } from './memory-store.ts'
import { sessionAt } from './store-contract.ts'

export type OpenStoreWith = (given: {
  limits?: Partial<SessionLimits>
  keepEndedMs?: number
}) => Promise<{ store: Store; clock: FakeClock }>

export const EVERYBODY = { sub: undefined, after: undefined, limit: 100 }
export const ADA = { ...EVERYBODY, sub: 'ada' }

/** What every store promises about many sessions at once, and about those of one user. */
export function testStoreContractOfUsers(name: string, open: OpenStoreWith): void {
  const test = suite(`store contract, users: ${name}`)

  test('list answers live sessions only, of one sub or of everybody, in their order', async () => {
    const { store, clock } = await open({})
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
    assert.equal(idsOf(await store.list(EVERYBODY, clock.now() + 30 * MINUTE)), [])
    await store.close()
  })

  test('list shows a session that only a touch not written yet keeps alive', async () => {
    const { store, clock } = await open({})
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
    const { store, clock } = await open({})
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

  test('a page of large sessions is short, and the next goes on', async () => {
    const { store, clock } = await open({ limits: { sessionLimitBytes: 1_000_000 } })
    const data = JSON.stringify({ text: 'x'.repeat(600_000) })
    for (const id of ['one', 'two', 'three']) {
      await store.insert(sessionAt(clock.now(), { id, data }))
    }
    const first = await store.list(EVERYBODY, clock.now())
    assert.equal(idsOf(first), ['one', 'two'])
    const second = await store.list({ ...EVERYBODY, after: first.next }, clock.now())
    assert.equal(idsOf(second), ['three'])
    await store.close()
  })

  test('a page whose sessions have all just expired is empty and leads to the live ones', async () => {
    const { store, clock } = await open({})
    for (const id of ['old-1', 'old-2', 'old-3', 'old-4']) {
      await store.insert(sessionOf('ada', { id, createdAt: clock.now() - HOUR }))
    }
    await store.insert(sessionOf('ada', { id: 'live', createdAt: clock.now() }))
    const seen: string[][] = []
    let after: number | undefined
    do {
      const page = await store.list({ ...ADA, limit: 2, after }, clock.now())
      seen.push(idsOf(page))
      after = page.next
    } while (after !== undefined)
    assert.equal(seen, [[], [], ['live']])
    await store.close()
  })

  test('a session that gets its sub while pages are read keeps its place', async () => {
    const { store, clock } = await open({})
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
    const { store, clock } = await open({})
    const subs = ['ada', 'Ada', 'ada ', "ada' or '1'='1", '%', 'é', 'e\u0301', '1', '1.0', 'null']
    for (const sub of subs) {
      await store.insert(sessionOf(sub, { id: `of ${sub}`, createdAt: clock.now() }))
    }
    for (const sub of subs) {
      assert.equal(idsOf(await store.list({ ...ADA, sub }, clock.now())), [`of ${sub}`])
    }
    await store.close()
  })

  test('endMany ends the live sessions of one sub, and spares the exception', async () => {
    const { store, clock } = await open({})
    await store.insert(sessionOf('ada', { id: 'expired', createdAt: clock.now() - HOUR }))
    for (const id of ['one', 'two', 'here']) {
      await store.insert(sessionOf('ada', { id, createdAt: clock.now() }))
    }
    await store.insert(sessionOf('eve', { id: 'other', createdAt: clock.now() }))
    const which = { sub: 'ada', except: 'here' }
    assert.is((await store.endMany(which, clock.now(), 'revoked', 1)).ended, 1)
    assert.is((await store.endMany(which, clock.now(), 'revoked', 10)).ended, 1)
    assert.is((await store.endMany(which, clock.now(), 'revoked', 10)).ended, 0)
    assert.equal(idsOf(await store.list(EVERYBODY, clock.now())), ['here', 'other'])
    assert.is(await reasonOf(store, 'expired', clock.now()), 'idle_timeout')
    assert.is(await reasonOf(store, 'one', clock.now()), 'revoked')
    await store.close()
  })

  test('endMany ends everybody, a part at a time, and counts none that has expired', async () => {
    const { store, clock } = await open({})
    await store.insert(sessionAt(clock.now() - HOUR, { id: 'expired' }))
    for (let n = 0; n < 5; n++) await store.insert(sessionAt(clock.now(), { id: `session-${n}` }))
    const all = { sub: undefined, except: undefined }
    const counts: number[] = []
    for (let n = 0; n < 4; n++)
      counts.push((await store.endMany(all, clock.now(), 'revoked', 2)).ended)
    assert.equal(counts, [2, 2, 1, 0])
    assert.is(await reasonOf(store, 'session-4', clock.now()), 'revoked')
    assert.is(await reasonOf(store, 'expired', clock.now()), 'idle_timeout')
    await store.close()
  })

  test('endMany ends a session that only a touch not written yet keeps alive', async () => {
    const { store, clock } = await open({})
    await store.insert(sessionOf('ada', { id: 'busy', createdAt: clock.now() }))
    store.touch('busy', clock.now() + 20 * MINUTE)
    const which = { sub: 'ada', except: undefined }
    assert.is((await store.endMany(which, clock.now() + 40 * MINUTE, 'revoked', 10)).ended, 1)
    await store.close()
  })

  test('endMany of everybody but one spares that one, and an unknown one spares nobody', async () => {
    const { store, clock } = await open({})
    for (const id of ['one', 'here', 'two']) await store.insert(sessionAt(clock.now(), { id }))
    const here = { sub: undefined, except: 'here' }
    assert.is((await store.endMany(here, clock.now(), 'revoked', 10)).ended, 2)
    const nobody = { sub: undefined, except: 'nobody' }
    assert.is((await store.endMany(nobody, clock.now(), 'revoked', 10)).ended, 1)
    assert.equal(idsOf(await store.list(EVERYBODY, clock.now())), [])
    await store.close()
  })

  test('endMany stands among other writes where it was asked for', async () => {
    const { store, clock } = await open({})
    await store.insert(sessionOf('ada', { id: 'before', createdAt: clock.now() }))
    await store.insert(sessionAt(clock.now(), { id: 'visitor' }))
    const set = { name: 'set', key: 'k', value: '1' } as const
    const [, ended, late] = await Promise.all([
      store.change('visitor', clock.now(), claimSub('ada', 'logged-in')),
      store.endMany({ sub: 'ada', except: undefined }, clock.now(), 'revoked', 10),
      store.change('before', clock.now(), set),
      store.insert(sessionOf('ada', { id: 'after', createdAt: clock.now() })),
    ])
    assert.equal(ended, { ended: 2, more: false })
    assert.is(late.state === 'ended' && late.tombstone.reason, 'revoked')
    assert.is(await reasonOf(store, 'logged-in', clock.now()), 'revoked')
    assert.equal(idsOf(await store.list(EVERYBODY, clock.now())), ['after'])
    await store.close()
  })

  test('a tombstone tells who held a session that was revoked or evicted, and when it ended', async () => {
    const { store, clock } = await open({ limits: { maxSessionsPerSub: 1 } })
    for (const id of ['one', 'two']) {
      await store.insert(sessionOf('ada', { id, createdAt: clock.now() }))
    }
    await store.endMany({ sub: 'ada', except: undefined }, clock.now() + 5, 'revoked', 10)
    const tombstone = { secretHash: 'hash', endedAt: clock.now() }
    assert.equal(await store.find('one', clock.now() + 5), {
      state: 'ended',
      tombstone: { ...tombstone, id: 'one', reason: 'evicted' },
    })
    assert.equal(await store.find('two', clock.now() + 5), {
      state: 'ended',
      tombstone: { ...tombstone, id: 'two', reason: 'revoked', endedAt: clock.now() + 5 },
    })
    await store.close()
  })

  test('a session that no token opens keeps its id whatever its sub becomes', async () => {
    const { store, clock } = await open({})
    await store.insert(sessionAt(clock.now(), { id: 'chosen', secretHash: null }))
    const changed = await store.change('chosen', clock.now(), claimSub('ada', 'never'))
    assert.is(changed.state === 'live' && changed.session.id, 'chosen')
    assert.equal(idsOf(await store.list(ADA, clock.now())), ['chosen'])
    await store.close()
  })

  test('what was read before is not shown after it was evicted, ended with others or put anew', async () => {
    const { store, clock } = await open({ limits: { maxSessionsPerSub: 1 }, keepEndedMs: 1 })
    await store.insert(sessionOf('ada', { id: 'first', createdAt: clock.now() }))
    await store.find('first', clock.now())
    await store.insert(sessionOf('ada', { id: 'second', createdAt: clock.now() }))
    assert.is(await reasonOf(store, 'first', clock.now()), 'evicted')

    await store.find('second', clock.now())
    const all = { sub: undefined, except: undefined }
    await store.endMany(all, clock.now(), 'revoked', 10)
    assert.is(await reasonOf(store, 'second', clock.now()), 'revoked')

    const later = clock.now() + DAY
    const again = sessionAt(later, { id: 'second', data: '{"new":true}' })
    assert.is((await store.insert(again)).inserted, true)
    assert.equal(await store.find('second', later), { state: 'live', session: again })
    await store.close()
  })

  test('an id that has expired and been forgotten may be used again before it is swept', async () => {
    const { store, clock } = await open({ keepEndedMs: 0 })
    const old = sessionAt(clock.now(), { data: '{"old":true}' })
    await store.insert(old)
    await store.find(old.id, clock.now())
    const later = clock.now() + HOUR
    const session = sessionAt(later, { data: '{"new":true}' })
    assert.equal(await store.insert(session), { inserted: true, evicted: [] })
    assert.equal(await store.find(session.id, later), { state: 'live', session })
    await store.close()
  })

  test('an id that is used again leaves the tombstone of who used it last', async () => {
    const { store, clock } = await open({})
    for (const [secretHash, now] of [
      ['first', clock.now()],
      ['last', clock.now() + 2 * DAY],
    ] as const) {
      const session = sessionAt(now, { secretHash })
      await store.insert(session)
      await store.end(session.id, now, 'logout')
      const { id } = session
      const tombstone = { id, secretHash, reason: 'logout', endedAt: now } as const
      assert.equal(await store.find(id, now), { state: 'ended', tombstone })
    }
    await store.close()
  })

  test('an id that is put anew leaves the user that it had, and the place in their list', async () => {
    const { store, clock } = await open({ keepEndedMs: 0, limits: { maxSessionsPerSub: 1 } })
    const began = clock.now()
    await store.insert(sessionOf('ada', { id: 'again', createdAt: began }))
    await store.insert(sessionOf('eve', { id: 'other', createdAt: began + HOUR }))
    const inserted = await store.insert(sessionOf('eve', { id: 'again', createdAt: began + HOUR }))
    assert.equal(inserted, { inserted: true, evicted: ['other'] })
    assert.equal(idsOf(await store.list(ADA, began + HOUR)), [])
    assert.equal(idsOf(await store.list(EVERYBODY, began + HOUR)), ['again'])
    assert.is((await store.sweep(began + HOUR)).ended, 0)
    await store.close()
  })

  test('insert never overwrites a session that only a touch not written yet keeps alive', async () => {
    const { store, clock } = await open({ keepEndedMs: 0 })
    const busy = sessionAt(clock.now(), { data: '{"old":true}' })
    await store.insert(busy)
    store.touch(busy.id, clock.now() + 20 * MINUTE)
    const now = clock.now() + 40 * MINUTE
    const { inserted } = await store.insert(sessionAt(now, { data: '{"new":true}' }))
    const found = await store.find(busy.id, now)
    await store.close()
    assert.is(found.state === 'live' && found.session.data, '{"old":true}')
    assert.is(inserted, false)
  })

  test('an API key is kept as it was first added', async () => {
    const { store, clock } = await open({})
    assert.equal(await store.listApiKeys(), [])
    const key = { hash: 'hash', name: 'first', createdAt: clock.now(), revokedAt: null }
    await store.addApiKey(key)
    await store.addApiKey({ ...key, name: 'other' })
    assert.equal(await store.listApiKeys(), [key])
    await store.close()
  })

  test('API keys are listed in the order in which they were made, revoked ones too', async () => {
    const { store, clock } = await open({})
    const revoked = { hash: 'a', name: 'old', createdAt: clock.now() + 1, revokedAt: clock.now() }
    const later = { hash: 'b', name: 'later', createdAt: clock.now() + 2, revokedAt: null }
    const first = { hash: 'c', name: 'first', createdAt: clock.now(), revokedAt: null }
    await Promise.all([revoked, later, first].map((key) => store.addApiKey(key)))
    assert.equal(await store.listApiKeys(), [first, revoked, later])
    await store.addApiKey({ ...revoked, revokedAt: null })
    assert.equal(await store.listApiKeys(), [first, revoked, later])
    await store.close()
  })

  test.run()
}

export function sessionOf(sub: string | undefined, given: { id: string; createdAt: number }) {
  const { id, createdAt } = given
  return sessionAt(createdAt, { id, claims: sub === undefined ? '{}' : JSON.stringify({ sub }) })
}

export function claimSub(sub: string, id: string, others: object = {}): Operation {
  const renewal = { id, secretHash: 'another hash' }
  return { name: 'update', claims: JSON.stringify({ sub, ...others }), renewal }
}

function renewTo(id: string): Operation {
  return { name: 'renew', renewal: { id, secretHash: 'another hash' } }
}

export function idsOf({ sessions }: Page): string[] {
  return sessions.map(({ id }) => id)
}

export async function reasonOf(store: Store, id: string, now: number): Promise<string> {
  const found = await store.find(id, now)
  return found.state === 'ended' ? found.tombstone.reason : found.state
}
