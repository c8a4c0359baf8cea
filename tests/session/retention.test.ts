import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { findEnded, findStored, forgottenBy, isRemembered } from '../../lib/session/retention.ts'
import type { Tombstone } from '../../lib/session/session.ts'
import { sessionAt } from '../kit/store/session-at.ts'

const BEGAN = Date.UTC(2026, 0, 1)
const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

const ended: Tombstone = { id: 'ended', secretHash: null, reason: 'logout', endedAt: BEGAN }

const test = suite('retention')

test('an end is remembered until it is as old as ends are kept, and not a millisecond longer', () => {
  assert.is(isRemembered(ended, BEGAN, DAY), true)
  assert.is(isRemembered(ended, BEGAN + DAY - 1, DAY), true)
  assert.is(isRemembered(ended, BEGAN + DAY, DAY), false)
  assert.equal(findEnded(ended, BEGAN + DAY - 1, DAY), { state: 'ended', tombstone: ended })
  assert.equal(findEnded(ended, BEGAN + DAY, DAY), { state: 'absent' })
})

test('what is forgotten and what is remembered are opposites, at every moment', () => {
  for (const keepEndedMs of [0, 1, DAY, Infinity]) {
    for (const now of [
      BEGAN - 1,
      BEGAN,
      BEGAN + 1,
      BEGAN + DAY - 1,
      BEGAN + DAY,
      BEGAN + 2 * DAY,
    ]) {
      const isForgotten = ended.endedAt <= forgottenBy(now, keepEndedMs)
      assert.is(isForgotten, !isRemembered(ended, now, keepEndedMs))
    }
  }
})

test('a clock that was set back forgets nothing', () => {
  assert.is(isRemembered(ended, BEGAN - DAY, DAY), true)
})

test('a stored session is live, then ended by its idle timeout, then forgotten', () => {
  const session = sessionAt(BEGAN)
  const diedAt = BEGAN + 30 * MINUTE
  assert.equal(findStored(session, diedAt - 1, DAY), { state: 'live', session })
  assert.equal(findStored(session, diedAt, DAY), {
    state: 'ended',
    tombstone: {
      ...ended,
      id: session.id,
      secretHash: 'hash',
      reason: 'idle_timeout',
      endedAt: diedAt,
    },
  })
  assert.is(findStored(session, diedAt + DAY - 1, DAY).state, 'ended')
  assert.is(findStored(session, diedAt + DAY, DAY).state, 'absent')
})

test.run()
