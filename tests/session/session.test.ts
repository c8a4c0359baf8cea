import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  endSession,
  expireSession,
  expiresAt,
  isLive,
  lifetimeEndsAt,
  touchSession,
} from '../../lib/session/session.ts'
import { HOUR, MINUTE } from '../kit/store/limits.ts'
import { sessionAt } from '../kit/store/session-at.ts'

const BEGAN = Date.UTC(2026, 0, 1)
const test = suite('session')

test('a session is dead from its idle timeout on, and not a millisecond before', () => {
  const session = sessionAt(BEGAN)
  assert.is(expiresAt(session), BEGAN + 30 * MINUTE)
  assert.is(isLive(session, BEGAN + 30 * MINUTE - 1), true)
  assert.is(isLive(session, BEGAN + 30 * MINUTE), false)
  assert.is(isLive(session, BEGAN + 30 * MINUTE + 1), false)
})

test('a session is dead from the end of its lifetime on, however active it is', () => {
  const session = sessionAt(BEGAN, { lastSeenAt: BEGAN + 12 * HOUR - 1 })
  assert.is(lifetimeEndsAt(session), BEGAN + 12 * HOUR)
  assert.is(expiresAt(session), BEGAN + 12 * HOUR)
  assert.is(isLive(session, BEGAN + 12 * HOUR - 1), true)
  assert.is(isLive(session, BEGAN + 12 * HOUR), false)
})

test('a session that nobody used dies of its idle timeout, as of when its time was up', () => {
  assert.equal(expireSession(sessionAt(BEGAN)), {
    id: 'a-session-for-the-test',
    secretHash: 'hash',
    reason: 'idle_timeout',
    endedAt: BEGAN + 30 * MINUTE,
  })
})

test('a session in use dies of its lifetime, also where both limits end together', () => {
  const active = sessionAt(BEGAN, { lastSeenAt: BEGAN + 12 * HOUR - MINUTE })
  const tied = sessionAt(BEGAN, { lastSeenAt: BEGAN + 12 * HOUR - 30 * MINUTE })
  const idle = sessionAt(BEGAN, { lastSeenAt: BEGAN + 12 * HOUR - 30 * MINUTE - 1 })
  assert.is(expireSession(active).reason, 'lifetime')
  assert.is(expireSession(active).endedAt, BEGAN + 12 * HOUR)
  assert.is(expireSession(tied).reason, 'lifetime')
  assert.is(expireSession(idle).reason, 'idle_timeout')
})

test('a session with an idle timeout beyond its lifetime has one limit, the lifetime', () => {
  const session = sessionAt(BEGAN, { idleTimeoutMs: 12 * HOUR + 1 })
  assert.is(expiresAt(session), lifetimeEndsAt(session))
  assert.is(expireSession(session).reason, 'lifetime')
})

test('a touch moves the idle deadline and nothing else', () => {
  const session = sessionAt(BEGAN)
  const touched = touchSession(session, BEGAN + MINUTE)
  assert.equal(touched, { ...session, lastSeenAt: BEGAN + MINUTE })
  assert.is(expiresAt(touched), BEGAN + 31 * MINUTE)
  assert.is(lifetimeEndsAt(touched), lifetimeEndsAt(session))
})

test('a touch by a clock that was set back takes nothing away', () => {
  const session = sessionAt(BEGAN, { lastSeenAt: BEGAN + HOUR })
  assert.equal(touchSession(session, BEGAN - HOUR), session)
  assert.equal(touchSession(session, 0), session)
  assert.is(isLive(session, BEGAN - HOUR), true)
})

test('an ended session leaves its id, its hash, the reason and the time, and no data', () => {
  const session = sessionAt(BEGAN, { data: '{"secret":1}', secretHash: null })
  assert.equal(endSession(session, 'revoked', BEGAN + 5), {
    id: session.id,
    secretHash: null,
    reason: 'revoked',
    endedAt: BEGAN + 5,
  })
})

test('a session is live exactly before it expires, and expires at the earlier of its limits', () => {
  const span = fc.nat(100)
  fc.assert(
    fc.property(span, span, span, span, (seen, idleTimeoutMs, lifetimeMs, now) => {
      const session = sessionAt(BEGAN, { lastSeenAt: BEGAN + seen, idleTimeoutMs, lifetimeMs })
      const idle = BEGAN + now >= BEGAN + seen + idleTimeoutMs
      const old = BEGAN + now >= BEGAN + lifetimeMs
      assert.is(isLive(session, BEGAN + now), !idle && !old)
      const { reason, endedAt } = expireSession(session)
      assert.is(reason, seen + idleTimeoutMs < lifetimeMs ? 'idle_timeout' : 'lifetime')
      assert.is(isLive(session, endedAt - 1), true)
      assert.is(isLive(session, endedAt), false)
    }),
  )
})

test.run()
