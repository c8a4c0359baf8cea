import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { PatchStep } from '../../lib/json/json-patch.ts'
import { codeOf } from '../kit/runner/code-of.ts'
import { MINUTE } from '../kit/store/limits.ts'
import { sessionAt } from '../kit/store/session-at.ts'
import type { OpenStore } from './open-store.ts'
import { ADA, claimSub, EVERYBODY, idsOf, reasonOf, sessionOf } from './sample-sessions.ts'

/** What every store promises of the limit of sessions of one `sub`. */
export function testLimits(name: string, open: OpenStore): void {
  const test = suite(`contract, limits: ${name}`)

  test("insert over the limit of a sub ends its oldest, and nobody else's", async () => {
    const { store, clock } = await open({ limits: { maxSessionsPerSub: 2 } })
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
    const limits = { maxSessionsPerSub: 1, onSessionLimit: 'refuse' } as const
    const { store, clock } = await open({ limits })
    await store.insert(sessionOf('ada', { id: 'first', createdAt: clock.now() }))
    const second = sessionOf('ada', { id: 'second', createdAt: clock.now() })
    assert.is(await store.insert(second).catch(codeOf), 'too_many_sessions')
    assert.equal(idsOf(await store.list(EVERYBODY, clock.now())), ['first'])
    assert.equal(await store.find('second', clock.now()), { state: 'absent' })
    await store.close()
  })

  test('an expired session does not count for the limit, a touched one does', async () => {
    const { store, clock } = await open({ limits: { maxSessionsPerSub: 2 } })
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
    const { store, clock } = await open({ limits: { maxSessionsPerSub: 1 } })
    await store.insert(sessionAt(clock.now() - 5, { id: 'visitor' }))
    await store.insert(sessionOf('ada', { id: 'laptop', createdAt: clock.now() }))
    const changed = await store.change('visitor', clock.now(), claimSub('ada', 'logged-in'))
    assert.equal(changed.state === 'live' && changed.evicted, ['laptop'])
    assert.equal(idsOf(await store.list(ADA, clock.now())), ['logged-in'])
    assert.is(await reasonOf(store, 'visitor', clock.now()), 'renewed')

    const role = claimSub('ada', 'again', { role: 'admin' })
    const same = await store.change('logged-in', clock.now(), role)
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

  test('activity not written yet counts for the limit that a log-in is held to', async () => {
    const { store, clock } = await open({ limits: { maxSessionsPerSub: 1 } })
    const began = clock.now()
    await store.insert(sessionOf('ada', { id: 'laptop', createdAt: began }))
    store.touch('laptop', began + 20 * MINUTE)
    const now = began + 40 * MINUTE
    await store.insert(sessionAt(now, { id: 'visitor' }))
    const changed = await store.change('visitor', now, claimSub('ada', 'logged-in'))
    assert.equal(changed.state === 'live' && changed.evicted, ['laptop'])
    assert.equal(idsOf(await store.list(ADA, now)), ['logged-in'])
    assert.is(await reasonOf(store, 'laptop', now), 'evicted')
    await store.close()
  })

  test('change that would go over the limit is refused and changes nothing', async () => {
    const limits = { maxSessionsPerSub: 1, onSessionLimit: 'refuse' } as const
    const { store, clock } = await open({ limits })
    await store.insert(sessionOf('ada', { id: 'laptop', createdAt: clock.now() }))
    const visitor = sessionAt(clock.now(), { id: 'visitor' })
    await store.insert(visitor)
    const refused = store.change('visitor', clock.now(), claimSub('ada', 'logged-in'))
    assert.is(await refused.catch(codeOf), 'too_many_sessions')
    assert.equal(await store.find('visitor', clock.now()), { state: 'live', session: visitor })
    await store.close()
  })

  test('of many log-ins at once exactly as many live as the limit says', async () => {
    const { store, clock } = await open({ limits: { maxSessionsPerSub: 5 } })
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

  test('insert that finds its id in use evicts nobody', async () => {
    const { store, clock } = await open({ limits: { maxSessionsPerSub: 1 } })
    await store.insert(sessionOf('ada', { id: 'first', createdAt: clock.now() }))
    await store.insert(sessionOf('eve', { id: 'other', createdAt: clock.now() }))
    await store.end('other', clock.now(), 'logout')
    for (const id of ['first', 'other']) {
      const answer = await store.insert(sessionOf('ada', { id, createdAt: clock.now() }))
      assert.equal(answer, { inserted: false, evicted: [] })
    }
    assert.equal(idsOf(await store.list(EVERYBODY, clock.now())), ['first'])
    await store.close()
  })

  test('sessions of nobody have no limit, and a session that loses its sub makes room', async () => {
    const limits = { maxSessionsPerSub: 1, onSessionLimit: 'refuse' } as const
    const { store, clock } = await open({ limits })
    for (const id of ['one', 'two']) await store.insert(sessionAt(clock.now(), { id }))
    await store.insert(sessionOf('ada', { id: 'first', createdAt: clock.now() }))
    const nobody = { name: 'replace', data: '{}', claims: '{}', permanent: false } as const
    await store.change('first', clock.now(), nobody)
    const next = sessionOf('ada', { id: 'next', createdAt: clock.now() })
    assert.is((await store.insert(next)).inserted, true)
    assert.is((await store.list(EVERYBODY, clock.now())).sessions.length, 4)
    await store.close()
  })

  test('any operation that moves a session to another sub leaves the old one and joins the new', async () => {
    const { store, clock } = await open({ limits: { maxSessionsPerSub: 1 } })
    await store.insert(sessionOf('eve', { id: 'hers', createdAt: clock.now() }))
    await store.insert(sessionOf('ada', { id: 'moving', createdAt: clock.now() }))
    const claims = '{"sub":"eve"}'
    const renewal = { id: 'replaced', secretHash: 'another hash' }
    const replace = { name: 'replace', data: '{}', claims, permanent: false, renewal } as const
    const replaced = await store.change('moving', clock.now(), replace)
    assert.equal(replaced.state === 'live' && replaced.evicted, ['hers'])
    assert.is(await reasonOf(store, 'moving', clock.now()), 'renewed')
    assert.equal(idsOf(await store.list(ADA, clock.now())), [])

    const steps: PatchStep[] = [{ op: 'add', path: ['claims', 'sub'], value: '"ada"' }]
    const patch = { name: 'patch', steps, mayWriteClaims: true } as const
    const again = { ...patch, renewal: { id: 'patched', secretHash: 'a third hash' } }
    await store.change('replaced', clock.now(), again)
    assert.equal(idsOf(await store.list(ADA, clock.now())), ['patched'])
    assert.equal(idsOf(await store.list({ ...ADA, sub: 'eve' }, clock.now())), [])
    await store.close()
  })

  test('of many log-ins at once over a limit that refuses, exactly as many succeed', async () => {
    const limits = { maxSessionsPerSub: 3, onSessionLimit: 'refuse' } as const
    const { store, clock } = await open({ limits })
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        store
          .insert(sessionOf('ada', { id: `session-${n}`, createdAt: clock.now() }))
          .then(() => 'inserted', codeOf),
      ),
    )
    const refused = Array.from({ length: 7 }, () => 'too_many_sessions')
    assert.equal(answers, ['inserted', 'inserted', 'inserted', ...refused])
    const kept = idsOf(await store.list(ADA, clock.now()))
    assert.equal(kept, ['session-0', 'session-1', 'session-2'])
    await store.close()
  })

  test.run()
}
