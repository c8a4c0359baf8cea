import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { codeOf } from '../kit/runner/code-of.ts'
import { DAY, HOUR, LIMITS, MINUTE } from '../kit/store/limits.ts'
import { sessionAt } from '../kit/store/session-at.ts'
import { reasonOf } from './sample-sessions.ts'
import type { OpenStore } from './open-store.ts'

/** What every store promises of one session. */
export function testSessions(name: string, open: OpenStore): void {
  const test = suite(`contract, sessions: ${name}`)

  test('find answers absent for an id that was never there', async () => {
    const { store, clock } = await open()
    assert.equal(await store.find('nobody', clock.now()), { state: 'absent' })
    await store.close()
  })

  test('insert stores the session exactly', async () => {
    const { store, clock } = await open()
    const session = sessionAt(clock.now(), {
      data: '{"n":12345678901234567890,"x": 1.0 ,"__proto__":{"😀":"\\ud800"}}',
      claims: '{"sub":"ada"}',
      permanent: true,
      secretHash: null,
    })
    assert.is((await store.insert(session)).inserted, true)
    assert.equal(await store.find(session.id, clock.now()), { state: 'live', session })
    await store.close()
  })

  test('insert never overwrites a live session', async () => {
    const { store, clock } = await open()
    const session = sessionAt(clock.now())
    await store.insert(session)
    assert.is((await store.insert({ ...session, data: '{"other":1}' })).inserted, false)
    assert.equal(await store.find(session.id, clock.now()), { state: 'live', session })
    await store.close()
  })

  test('insert refuses an id that has ended', async () => {
    const { store, clock } = await open()
    const session = sessionAt(clock.now())
    await store.insert(session)
    await store.end(session.id, clock.now(), 'logout')
    assert.is((await store.insert(session)).inserted, false)
    assert.is((await store.find(session.id, clock.now())).state, 'ended')
    await store.close()
  })

  test('change applies the operation, counts the version and answers the value', async () => {
    const { store, clock } = await open()
    const session = sessionAt(clock.now())
    await store.insert(session)
    await store.change(session.id, clock.now(), { name: 'set', key: 'hits', value: '41' })
    const changed = await store.change(session.id, clock.now(), {
      name: 'increment',
      key: 'hits',
      by: '1',
    })
    const after = { ...session, data: '{"hits":42}', version: 3 }
    assert.equal(changed, { state: 'live', session: after, value: '42' })
    assert.equal(await store.find(session.id, clock.now()), { state: 'live', session: after })
    await store.close()
  })

  test('change loses no update of many at once', async () => {
    const { store, clock } = await open()
    const session = sessionAt(clock.now())
    await store.insert(session)
    await Promise.all(
      Array.from({ length: 100 }, () =>
        store.change(session.id, clock.now(), { name: 'increment', key: 'hits', by: '1' }),
      ),
    )
    const found = await store.find(session.id, clock.now())
    assert.is(found.state === 'live' && found.session.data, '{"hits":100}')
    await store.close()
  })

  test('change that is refused changes nothing and leaves the others of its batch alone', async () => {
    const { store, clock } = await open()
    const session = sessionAt(clock.now())
    await store.insert(session)
    const [refused, done] = await Promise.allSettled([
      store.change(session.id, clock.now(), { name: 'pop', key: 'missing' }),
      store.change(session.id, clock.now(), { name: 'set', key: 'there', value: '1' }),
    ])
    assert.is(refused.status === 'rejected' && codeOf(refused.reason), 'key_not_found')
    assert.is(done.status, 'fulfilled')
    await store.close()
  })

  test('change on an ended session answers its tombstone and revives nothing', async () => {
    const { store, clock } = await open()
    const session = sessionAt(clock.now())
    await store.insert(session)
    const operation = { name: 'set', key: 'k', value: '1' } as const
    const [ended, late] = await Promise.all([
      store.end(session.id, clock.now(), 'logout'),
      store.change(session.id, clock.now(), operation),
    ])
    assert.equal(ended, { state: 'live', session })
    const tombstone = {
      id: session.id,
      secretHash: 'hash',
      reason: 'logout',
      endedAt: clock.now(),
    } as const
    assert.equal(late, { state: 'ended', tombstone })
    assert.equal(await store.find(session.id, clock.now()), { state: 'ended', tombstone })
    await store.close()
  })

  test('change that renews ends the old id in the same step', async () => {
    const { store, clock } = await open()
    const session = sessionAt(clock.now(), { data: '{"user":"ada"}' })
    await store.insert(session)
    const renew = {
      name: 'renew',
      renewal: { id: 'another-id', secretHash: 'another hash' },
    } as const
    const [renewed, late] = await Promise.all([
      store.change(session.id, clock.now(), renew),
      store.change(session.id, clock.now(), renew),
    ])
    const after = { ...session, id: 'another-id', secretHash: 'another hash', version: 2 }
    assert.equal(renewed, { state: 'live', session: after })
    assert.is(late.state === 'ended' && late.tombstone.reason, 'renewed')
    assert.equal(await store.find('another-id', clock.now()), { state: 'live', session: after })
    await store.close()
  })

  test('end rejects where its precondition does not hold', async () => {
    const { store, clock } = await open()
    const session = sessionAt(clock.now())
    await store.insert(session)
    const ended = await store
      .end(session.id, clock.now(), 'logout', { required: ['7'] })
      .catch(codeOf)
    assert.is(ended, 'precondition_failed')
    assert.is((await store.find(session.id, clock.now())).state, 'live')
    await store.close()
  })

  test('find tells of an expired session what the sweep will write down', async () => {
    const { store, clock } = await open()
    const session = sessionAt(clock.now())
    await store.insert(session)
    const deadline = clock.now() + 30 * MINUTE
    assert.is((await store.find(session.id, deadline - 1)).state, 'live')
    const before = await store.find(session.id, deadline)
    const tombstone = {
      id: session.id,
      secretHash: 'hash',
      reason: 'idle_timeout',
      endedAt: deadline,
    } as const
    assert.equal(before, { state: 'ended', tombstone })

    assert.equal(await store.sweep(deadline - 1), { ended: 0, removed: 0, damaged: 0 })
    assert.equal(await store.sweep(deadline + 5), { ended: 1, removed: 0, damaged: 0 })
    assert.equal(await store.find(session.id, deadline + 5), before)
    await store.close()
  })

  test('touch moves the idle deadline, never past the lifetime', async () => {
    const { store, clock } = await open()
    const began = clock.now()
    const session = sessionAt(began)
    await store.insert(session)
    for (let minute = 25; minute < 12 * 60; minute += 25) {
      store.touch(session.id, began + minute * MINUTE)
      clock.advance(25 * MINUTE)
    }
    const found = await store.find(session.id, began + 12 * HOUR - 1)
    assert.is(found.state, 'live')
    const ended = await store.find(session.id, began + 12 * HOUR)
    assert.is(ended.state === 'ended' && ended.tombstone.reason, 'lifetime')
    await store.close()
  })

  test('sweep counts a touch that is not written yet', async () => {
    const { store, clock } = await open()
    const session = sessionAt(clock.now())
    await store.insert(session)
    store.touch(session.id, clock.now() + 20 * MINUTE)
    assert.equal(await store.sweep(clock.now() + 40 * MINUTE), { ended: 0, removed: 0, damaged: 0 })
    assert.is((await store.find(session.id, clock.now() + 40 * MINUTE)).state, 'live')
    await store.close()
  })

  test('touch with an earlier time takes nothing away', async () => {
    const { store, clock } = await open()
    const session = sessionAt(clock.now())
    await store.insert(session)
    store.touch(session.id, clock.now() + 20 * MINUTE)
    clock.advance(1_000)
    store.touch(session.id, clock.now() - HOUR)
    clock.advance(1_000)
    const found = await store.find(session.id, clock.now())
    assert.is(found.state === 'live' && found.session.lastSeenAt >= session.createdAt, true)
    assert.equal(await store.sweep(clock.now() + 40 * MINUTE), { ended: 0, removed: 0, damaged: 0 })
    await store.close()
  })

  test('sweep puts off what has lived on, and ends it once its time is up', async () => {
    const { store, clock } = await open()
    const began = clock.now()
    const busy = sessionAt(began)
    await store.insert(busy)
    for (let at = 20; at <= 100; at += 20) store.touch(busy.id, began + at * MINUTE)
    assert.equal(await store.sweep(began + 129 * MINUTE), { ended: 0, removed: 0, damaged: 0 })
    assert.equal(await store.sweep(began + 129 * MINUTE), { ended: 0, removed: 0, damaged: 0 })
    assert.is((await store.find(busy.id, began + 129 * MINUTE)).state, 'live')
    assert.equal(await store.sweep(began + 130 * MINUTE), { ended: 1, removed: 0, damaged: 0 })
    await store.close()
  })

  test('a log-in has claims, limits and a token of its own, and the data of before', async () => {
    const { store, clock } = await open()
    const began = clock.now()
    const ada = { claims: '{"sub":"ada","role":"admin"}', data: '{"cart":["tea"]}' }
    const long = { permanent: true, idleTimeoutMs: 90 * DAY, lifetimeMs: 90 * DAY }
    const own = { ownIdleTimeout: true, ownLifetime: true }
    await store.insert(sessionAt(began, { id: 'ada', ...ada, ...long, ...own }))
    const renewal = { id: 'bob', secretHash: 'another hash' }
    const logIn = { name: 'update', claims: '{"sub":"bob"}', isLogin: true, renewal } as const
    clock.advance(13 * HOUR)
    const now = clock.now()
    const changed = await store.change('ada', now, logIn)
    assert.is(changed.state, 'live')
    const found = await store.find('bob', now)
    assert.ok(found.state === 'live')
    const { session } = found
    assert.equal([session.claims, session.data], ['{"sub":"bob"}', ada.data])
    assert.equal(
      [session.permanent, session.ownIdleTimeout, session.ownLifetime],
      [false, false, false],
    )
    assert.is(session.idleTimeoutMs, LIMITS.ordinary.idleTimeoutMs)
    assert.is(session.lifetimeMs, 13 * HOUR + LIMITS.ordinary.lifetimeMs)
    assert.is(await reasonOf(store, 'ada', now), 'renewed')
    await store.close()
  })

  test('sweep ends in time what was given a shorter life', async () => {
    const { store, clock } = await open()
    const session = sessionAt(clock.now())
    await store.insert(session)
    const limits = { idleTimeoutMs: MINUTE, lifetimeMs: HOUR }
    const shorter = { data: '{}', claims: '{}', permanent: false, ...limits }
    await store.change(session.id, clock.now(), { name: 'replace', ...shorter })
    assert.equal(await store.sweep(clock.now() + MINUTE - 1), { ended: 0, removed: 0, damaged: 0 })
    assert.equal(await store.sweep(clock.now() + MINUTE), { ended: 1, removed: 0, damaged: 0 })
    await store.close()
  })

  test('sweep ends all that has expired and removes tombstones kept long enough', async () => {
    const { store, clock } = await open()
    const began = clock.now()
    await Promise.all(
      Array.from({ length: 7 }, (_, n) => store.insert(sessionAt(began, { id: `session-${n}` }))),
    )
    const young = sessionAt(began + HOUR, { id: 'young' })
    await store.insert(young)
    assert.equal(await store.sweep(began + HOUR), { ended: 7, removed: 0, damaged: 0 })
    assert.equal(await store.sweep(began + 30 * MINUTE + DAY - 1), {
      ended: 1,
      removed: 0,
      damaged: 0,
    })
    assert.is((await store.find('session-3', began + 30 * MINUTE + DAY - 1)).state, 'ended')
    assert.is((await store.find('session-3', began + 30 * MINUTE + DAY)).state, 'absent')
    assert.equal(await store.sweep(began + 30 * MINUTE + DAY), { ended: 0, removed: 7, damaged: 0 })
    await store.close()
  })

  test('a store that is open and idle is in good health', async () => {
    const { store } = await open()
    const { state, writes, reasons } = store.health()
    assert.equal({ state, writes, reasons }, { state: 'ok', writes: 'all', reasons: [] })
    await store.close()
  })

  test.run()
}
