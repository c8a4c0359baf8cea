import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Operation } from '../../lib/session/operations.ts'
import { LIMITS, MINUTE } from '../kit/store/limits.ts'
import { sessionAt } from '../kit/store/session-at.ts'
import type { OpenStore } from './open-store.ts'
import { reasonOf } from './sample-sessions.ts'

const SESSION = {
  id: 'one',
  data: '{"a":1,"list":[],"o":{"b":null}}',
  claims: '{"sub":"ada"}',
  keepEndedMs: 5_000,
}

/** Each leaves `SESSION` as it is. */
const OPERATIONS: readonly Operation[] = [
  { name: 'set', key: 'a', value: '1' },
  { name: 'increment', key: 'a', by: '0' },
  { name: 'merge', key: 'o', patch: '{"none":null}' },
  { name: 'overwrite', data: SESSION.data },
  { name: 'update' },
  { name: 'update', data: '{"a":1,"none":null}', permanent: false, keepEndedMs: 5_000 },
  { name: 'update', claims: '{"sub":"ada"}', renewal: { id: 'never', secretHash: 'never' } },
  {
    name: 'update',
    edits: [
      { op: 'remove', path: ['none'] },
      { op: 'extend', path: ['list'], value: '[]' },
      { op: 'set', path: ['o', 'b'], value: 'null' },
    ],
  },
  {
    name: 'patch',
    steps: [{ op: 'test', path: ['data', 'a'], value: '1.0' }],
    mayWriteClaims: false,
  },
  { name: 'replace', data: SESSION.data, permanent: false, keepEndedMs: 5_000 },
]

/** What every store promises of an operation that leaves a session as it is. */
export function testUnchanged(name: string, open: OpenStore): void {
  const test = suite(`contract, unchanged: ${name}`)

  test('an operation that leaves a session as it is leaves its version, and is activity', async () => {
    const { store, clock } = await open()
    let now = clock.now()
    await store.insert(sessionAt(now, { ...SESSION, idleTimeoutMs: 30 * MINUTE }))
    // More often than the session could go without any.
    for (const operation of [...OPERATIONS, ...OPERATIONS]) {
      now += 29 * MINUTE
      clock.advance(29 * MINUTE)
      const changed = await store.change('one', now, operation)
      assert.ok(changed.state === 'live', operation.name)
      assert.equal([changed.session.version, changed.session.id], [1, 'one'], operation.name)
      assert.is(changed.session.lastSeenAt, now)
      const found = await store.find('one', now)
      assert.equal(found.state === 'live' && found.session.lastSeenAt, now)
    }
    await store.sweep(now + 30 * MINUTE - 1)
    assert.is(await reasonOf(store, 'one', now + 30 * MINUTE - 1), 'live')
    assert.is(await reasonOf(store, 'one', now + 30 * MINUTE), 'idle_timeout')
    assert.is(store.counts().changed, 0)
    await store.close()
  })

  test('its value is answered, its precondition and its limits hold', async () => {
    const { store, clock } = await open({ limits: { ...LIMITS, maxKeys: 1 } })
    const now = clock.now()
    await store.insert(sessionAt(now, { id: 'one', data: '{"n":7}' }))
    const changed = await store.change('one', now, { name: 'increment', key: 'n', by: '0' })
    assert.is(changed.state === 'live' && changed.value, '7')
    const same = { name: 'set', key: 'n', value: '7' } as const
    for (const when of [{ required: ['2'] }, { excluded: ['1'] }]) {
      const refused = await store.change('one', now, { ...same, when }).then(
        () => 'done',
        (error: { code?: string }) => error.code,
      )
      assert.is(refused, 'precondition_failed')
    }
    const other = await store.change('one', now, { ...same, value: '7.0' })
    assert.is(other.state === 'live' && other.session.version, 2)
    await store.close()
  })

  test('as the last activity of a short session it keeps it in the count, the list and the limit of its user', async () => {
    const { store, clock } = await open({ limits: { maxSessionsPerSub: 1 } })
    const now = clock.now()
    const ada = { data: '{"a":1}', claims: '{"sub":"ada"}', idleTimeoutMs: MINUTE }
    const same = { name: 'set', key: 'a', value: '1' } as const
    await store.insert(sessionAt(now, { id: 'one', ...ada }))
    clock.advance(MINUTE - 1)
    const later = clock.now()
    const written = store.change('one', later, same)
    const all = { app: undefined, sub: 'ada', except: undefined }
    clock.advance(30_000)
    const inserted = store.insert(sessionAt(clock.now(), { id: 'two', ...ada }))
    await written
    assert.equal((await inserted).evicted, ['one'])
    assert.is(await store.count({ app: undefined, sub: 'ada' }, clock.now()), 1)

    const kept = store.change('two', clock.now(), same)
    clock.advance(MINUTE - 1)
    const ended = store.endMany(all, clock.now(), 'revoked', 10)
    await kept
    assert.is((await ended).ended, 1)
    await store.close()
  })

  test.run()
}
