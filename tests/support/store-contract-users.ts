import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Operation } from '../../lib/session/operations.ts'
import type { SessionRules } from '../../lib/session/rules.ts'
import type { Page, Store } from '../../lib/store/store.ts'
import { codeOf } from './code-of.ts'
import type { FakeClock } from './fake-clock.ts'
import { DAY, HOUR, MINUTE } from './memory-store.ts'
import { sessionAt } from './store-contract.ts'

export type OpenStoreWith = (given: {
  rules?: Partial<SessionRules>
  keepEndedMs?: number
}) => Promise<{ store: Store; clock: FakeClock }>

const EVERYBODY = { sub: undefined, after: undefined, limit: 100 }
const ADA = { ...EVERYBODY, sub: 'ada' }

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
    const { store, clock } = await open({ rules: { sessionLimitBytes: 1_000_000 } })
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

  test('endMany ends the live sessions of one sub, and spares the exception', async () => {
    const { store, clock } = await open({})
    for (const id of ['one', 'two', 'here']) {
      await store.insert(sessionOf('ada', { id, createdAt: clock.now() }))
    }
    await store.insert(sessionOf('eve', { id: 'other', createdAt: clock.now() }))
    const which = { sub: 'ada', except: 'here' }
    assert.is(await store.endMany(which, clock.now(), 'revoked', 10), 2)
    assert.is(await store.endMany(which, clock.now(), 'revoked', 10), 0)
    assert.equal(idsOf(await store.list(EVERYBODY, clock.now())), ['here', 'other'])
    assert.is(await reasonOf(store, 'one', clock.now()), 'revoked')
    await store.close()
  })

  test('endMany ends everybody, a part at a time, and counts none that has expired', async () => {
    const { store, clock } = await open({})
    await store.insert(sessionAt(clock.now() - HOUR, { id: 'expired' }))
    for (let n = 0; n < 5; n++) await store.insert(sessionAt(clock.now(), { id: `session-${n}` }))
    const all = { sub: undefined, except: undefined }
    const counts: number[] = []
    for (let n = 0; n < 4; n++) counts.push(await store.endMany(all, clock.now(), 'revoked', 2))
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
    assert.is(await store.endMany(which, clock.now() + 40 * MINUTE, 'revoked', 10), 1)
    await store.close()
  })

  test("insert over the limit of a sub ends its oldest, and nobody else's", async () => {
    const { store, clock } = await open({ rules: { maxSessionsPerSub: 2 } })
    await store.insert(sessionOf('eve', { id: 'other', createdAt: clock.now() - 2 }))
    await store.insert(sessionOf('ada', { id: 'young', createdAt: clock.now() }))
    await store.insert(sessionOf('ada', { id: 'old', createdAt: clock.now() - 1 }))
    const inserted = await store.insert(sessionOf('ada', { id: 'new', createdAt: clock.now() }))
    assert.equal(inserted, { inserted: true, evicted: ['old'] })
    assert.is(await reasonOf(store, 'old', clock.now()), 'evicted')
    assert.equal(idsOf(await store.list(EVERYBODY, clock.now())), ['other', 'young', 'new'])
    await store.close()
  })

  test('insert over the limit is refused and writes nothing where the rule says so', async () => {
    const rules = { maxSessionsPerSub: 1, onSessionLimit: 'refuse' } as const
    const { store, clock } = await open({ rules })
    await store.insert(sessionOf('ada', { id: 'first', createdAt: clock.now() }))
    const second = sessionOf('ada', { id: 'second', createdAt: clock.now() })
    assert.is(await store.insert(second).catch(codeOf), 'too_many_sessions')
    assert.equal(idsOf(await store.list(EVERYBODY, clock.now())), ['first'])
    assert.equal(await store.find('second', clock.now()), { state: 'absent' })
    await store.close()
  })

  test('an expired session does not count for the limit, a touched one does', async () => {
    const { store, clock } = await open({ rules: { maxSessionsPerSub: 2 } })
    const began = clock.now()
    await store.insert(sessionOf('ada', { id: 'expired', createdAt: began - 2 }))
    await store.insert(sessionOf('ada', { id: 'touched', createdAt: began - 1 }))
    store.touch('touched', began + 20 * MINUTE)
    const now = began + 40 * MINUTE
    const second = await store.insert(sessionOf('ada', { id: 'second', createdAt: now }))
    assert.equal(second.evicted, [])
    const third = await store.insert(sessionOf('ada', { id: 'third', createdAt: now }))
    assert.equal(third.evicted, ['touched'])
    assert.is(await reasonOf(store, 'expired', now), 'idle_timeout')
    await store.close()
  })

  test('change that gives a session its sub holds the limit, and spares the session itself', async () => {
    const { store, clock } = await open({ rules: { maxSessionsPerSub: 1 } })
    await store.insert(sessionAt(clock.now() - 5, { id: 'visitor' }))
    await store.insert(sessionOf('ada', { id: 'laptop', createdAt: clock.now() }))
    const changed = await store.change('visitor', clock.now(), claimSub('ada', 'logged-in'))
    assert.equal(changed.state === 'live' && changed.evicted, ['laptop'])
    assert.equal(idsOf(await store.list(ADA, clock.now())), ['logged-in'])
    assert.is(await reasonOf(store, 'visitor', clock.now()), 'renewed')

    const same = await store.change('logged-in', clock.now(), claimSub('ada', 'again'))
    assert.equal(same.state === 'live' && [same.session.id, same.evicted], ['logged-in', undefined])
    const nobody = await store.change('logged-in', clock.now(), {
      name: 'update',
      claims: '{"sub":null}',
      renewal: { id: 'logged-out', secretHash: 'h' },
    })
    assert.equal(nobody.state === 'live' && [nobody.session.id, nobody.evicted], ['logged-out', []])
    assert.equal(idsOf(await store.list(ADA, clock.now())), [])
    await store.close()
  })

  test('change that would go over the limit is refused and changes nothing', async () => {
    const rules = { maxSessionsPerSub: 1, onSessionLimit: 'refuse' } as const
    const { store, clock } = await open({ rules })
    await store.insert(sessionOf('ada', { id: 'laptop', createdAt: clock.now() }))
    const visitor = sessionAt(clock.now(), { id: 'visitor' })
    await store.insert(visitor)
    const refused = store.change('visitor', clock.now(), claimSub('ada', 'logged-in'))
    assert.is(await refused.catch(codeOf), 'too_many_sessions')
    assert.equal(await store.find('visitor', clock.now()), { state: 'live', session: visitor })
    await store.close()
  })

  test('of many log-ins at once exactly as many live as the limit says', async () => {
    const { store, clock } = await open({ rules: { maxSessionsPerSub: 5 } })
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        store.insert(sessionOf('ada', { id: `session-${n}`, createdAt: clock.now() })),
      ),
    )
    const evicted = answers.flatMap((answer) => answer.evicted)
    assert.is(new Set(evicted).size, 15)
    for (const id of evicted) assert.is(await reasonOf(store, id, clock.now()), 'evicted')
    assert.is((await store.list(ADA, clock.now())).sessions.length, 5)
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
    const { store, clock } = await open({ rules: { maxSessionsPerSub: 1 }, keepEndedMs: 1 })
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

  test('an API key is kept as it was first added', async () => {
    const { store, clock } = await open({})
    assert.equal(await store.listApiKeys(), [])
    const key = { hash: 'hash', name: 'first', createdAt: clock.now(), revokedAt: null }
    await store.addApiKey(key)
    await store.addApiKey({ ...key, name: 'other' })
    assert.equal(await store.listApiKeys(), [key])
    await store.close()
  })

  test.run()
}

function sessionOf(sub: string | undefined, given: { id: string; createdAt: number }) {
  const { id, createdAt } = given
  return sessionAt(createdAt, { id, claims: sub === undefined ? '{}' : JSON.stringify({ sub }) })
}

function claimSub(sub: string, id: string): Operation {
  const renewal = { id, secretHash: 'another hash' }
  return { name: 'update', claims: JSON.stringify({ sub }), renewal }
}

function renewTo(id: string): Operation {
  return { name: 'renew', renewal: { id, secretHash: 'another hash' } }
}

function idsOf({ sessions }: Page): string[] {
  return sessions.map(({ id }) => id)
}

async function reasonOf(store: Store, id: string, now: number): Promise<string> {
  const found = await store.find(id, now)
  return found.state === 'ended' ? found.tombstone.reason : found.state
}
