/** What a request can do to a session, below HTTP: tokens, and what changes between two steps. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createSessions } from '../../lib/service/sessions.ts'
import { codeOf } from '../kit/runner/code-of.ts'
import { MINUTE, LIMITS } from '../kit/store/limits.ts'
import { openMemoryStore } from '../kit/store/memory-store.ts'

const test = suite('sessions')

const noDevice = () => null
const SET = { name: 'set', key: 'user', value: '"ada"' } as const

test('a session that dies between being found and being read is not revived', async () => {
  const { sessions, clock, token } = await openSession()
  clock.advance(30 * MINUTE - 1)
  const found = await sessions.authenticate(token)
  assert.is(found.state, 'live')
  clock.advance(1)
  assert.is(
    thrownBy(() => sessions.get(found, true)),
    'session_ended',
  )
  const late = await sessions.authenticate(token)
  assert.is(late.state === 'ended' && late.tombstone.reason, 'idle_timeout')
})

test('a session that a write keeps alive between being found and being read is read', async () => {
  const { sessions, clock, token } = await openSession()
  clock.advance(30 * MINUTE - 1)
  const found = await sessions.authenticate(token)
  const writing = sessions.change(found, SET)
  clock.advance(1)
  assert.is((await sessions.get(found, true)).data, '{"user":"ada"}')
  await writing
})

test('a session that ends between being found and being written stays ended', async () => {
  const { sessions, token } = await openSession()
  const found = await sessions.authenticate(token)
  await sessions.end(found, 'logout')
  assert.is(await sessions.change(found, SET).catch(codeOf), 'session_ended')
  assert.is(await sessions.renew(found).catch(codeOf), 'session_ended')
  assert.is(await sessions.end(found, 'logout').catch(codeOf), 'session_ended')

  const created = await sessions.changeOrCreate(found, SET, noDevice)
  assert.ok(created.token)
  assert.is.not(created.token, token)
  assert.is((await sessions.authenticate(token)).state, 'ended')
})

test('a token that is missing, malformed, unknown or has another secret opens nothing', async () => {
  const { sessions, token } = await openSession()
  const [id = '', secret = ''] = token.split('.')
  const wrong = [
    undefined,
    '',
    id,
    `${id}.`,
    `${id}.${secret}x`,
    `${id}.${secret.slice(1)}-`,
    `${'x'.repeat(21)}.${secret}`,
    `${id}.${'-'.repeat(43)}`,
  ]
  for (const text of wrong) {
    assert.equal(await sessions.authenticate(text), { state: 'absent' }, String(text))
  }
})

test('a wrong secret costs one search of the store, whether its session lives or is at hand', async () => {
  const { store, clock, token } = await openSession()
  const other = `${token.slice(0, 22)}${'-'.repeat(43)}`
  const unknown = `x${other.slice(1)}`
  for (const isAtHand of [true, false]) {
    let searches = 0
    const find: typeof store.find = (id, now) => {
      const found = store.find(id, now)
      const isHot = isAtHand && id === token.slice(0, 21)
      if (!isHot) searches++
      return isAtHand ? found : Promise.resolve(found)
    }
    const sessions = createSessions({ store: { ...store, find }, clock, limits: LIMITS })
    for (const text of [other, unknown]) {
      searches = 0
      assert.equal(await sessions.authenticate(text), { state: 'absent' })
      assert.is(searches, 1, `${text}, at hand: ${isAtHand}`)
    }
  }
})

test('an ended session tells its end to its own secret only', async () => {
  const { sessions, token } = await openSession()
  await sessions.end(await sessions.authenticate(token), 'logout')
  assert.is((await sessions.authenticate(token)).state, 'ended')
  const other = `${token.slice(0, 22)}${'-'.repeat(43)}`
  assert.is((await sessions.authenticate(other)).state, 'absent')
})

test('a renewed session opens with its new token, and the old one tells that it ended', async () => {
  const { sessions, token } = await openSession()
  const renewed = await sessions.renew(await sessions.authenticate(token))
  const found = await sessions.authenticate(renewed.token)
  assert.is(found.state === 'live' && found.session.data, '{"user":"ada"}')
  const old = await sessions.authenticate(token)
  assert.is(old.state === 'ended' && old.tombstone.reason, 'renewed')
})

test('a write that is refused creates no session', async () => {
  const { sessions, database } = await openSession()
  const absent = { state: 'absent' } as const
  const long = { ...SET, key: 'k'.repeat(257) }
  assert.is(await sessions.changeOrCreate(absent, long, noDevice).catch(codeOf), 'invalid_key')
  const conditional = { ...SET, when: { required: '*' } } as const
  const refused = sessions.changeOrCreate(absent, conditional, noDevice)
  assert.is(await refused.catch(codeOf), 'precondition_failed')
  assert.is(database.prepare('select count(*) from sessions').pluck().get(), 1)
})

/** One session, which holds `{"user":"ada"}`, and its token. */
async function openSession() {
  const { store, clock, database } = openMemoryStore()
  const sessions = createSessions({ store, clock, limits: LIMITS })
  const { token = '' } = await sessions.changeOrCreate({ state: 'absent' }, SET, noDevice)
  return { sessions, store, clock, database, token }
}

function thrownBy(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    return codeOf(error)
  }
  return 'nothing'
}

test.run()
