/** A dear write waits in a lane of its own: whoever overtakes it at a session's deadline. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openFileStore } from '../../kit/store/open-file-store.ts'
import { sessionAt } from '../../kit/store/session-at.ts'

const test = suite('overtaken writes')

/** Of a session whose size nobody knows yet, and so dear. */
const MERGE = { name: 'merge', key: 'k', patch: '{"a":1}' } as const
const SET = { name: 'set', key: 'x', value: '1' } as const

test('a log-out after the deadline finds alive what a dear write has kept alive in time, and ends it', async () => {
  const { store, id, deadline } = await openSession()
  const merged = store.change(id, deadline - 1, MERGE)
  const ended = store.end(id, deadline, 'logout')
  assert.is((await merged).state, 'live')
  assert.is((await ended).state, 'live')
  const found = await store.find(id, deadline)
  assert.is(found.state === 'ended' && found.tombstone.reason, 'logout')
  await store.close()
})

test('a write after the deadline is not told of an end that a dear write has put off in time', async () => {
  const { store, id, deadline } = await openSession()
  const merged = store.change(id, deadline - 1, MERGE)
  const changed = await store.change(id, deadline, SET)
  assert.is((await merged).state, 'live')
  assert.is(changed.state === 'live' && changed.session.data, '{"k":{"a":1},"x":1}')
  await store.close()
})

test('a dear write that comes too late keeps nothing alive, and what overtakes it says so', async () => {
  const { store, id, deadline } = await openSession()
  const merged = store.change(id, deadline, MERGE)
  const ended = await store.end(id, deadline, 'logout')
  assert.is(ended.state === 'ended' && ended.tombstone.reason, 'idle_timeout')
  assert.is((await merged).state, 'ended')
  assert.is((await store.find(id, deadline)).state, 'ended')
  await store.close()
})

test('log-out everywhere ends what a dear write has kept alive in time', async () => {
  const { store, id, deadline } = await openSession('{"sub":"ada"}')
  const merged = store.change(id, deadline - 1, MERGE)
  const which = { app: undefined, sub: 'ada', except: undefined }
  const many = await store.endMany(which, deadline, 'revoked', 100)
  assert.equal(many, { ended: 1, more: false })
  assert.is((await merged).state, 'live')
  const found = await store.find(id, deadline)
  assert.is(found.state === 'ended' && found.tombstone.reason, 'revoked')
  await store.close()
})

async function openSession(claims = '{}') {
  const { store, clock } = await openFileStore()
  const session = sessionAt(clock.now(), { claims, data: '{}' })
  await store.insert(session)
  return { store, id: session.id, deadline: session.createdAt + session.idleTimeoutMs }
}

test.run()
