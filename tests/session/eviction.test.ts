import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CoatcheckError } from '../../lib/base/errors.ts'
import { chooseEvicted, isCounted } from '../../lib/session/eviction.ts'
import type { SessionLimits } from '../../lib/session/limits.ts'

const test = suite('eviction')

test('sessions of nobody are not counted, nor those of a user without a limit', () => {
  assert.is(isCounted(undefined, limitsOf(2)), false)
  assert.is(isCounted('ada', limitsOf(undefined)), false)
  assert.is(isCounted('ada', limitsOf(2)), true)
})

test('below its limit a user gets another session, and none ends', () => {
  assert.equal(chooseEvicted([], limitsOf(1)), [])
  assert.equal(chooseEvicted(['a'], limitsOf(2)), [])
  assert.equal(chooseEvicted(['a', 'b', 'c'], limitsOf(undefined)), [])
  assert.equal(chooseEvicted(['a'], limitsOf(2, 'refuse')), [])
})

test('at the limit the oldest session ends', () => {
  assert.equal(chooseEvicted(['oldest', 'newer'], limitsOf(2)), ['oldest'])
})

test('a limit that was lowered ends as many as are too many, the oldest first', () => {
  assert.equal(chooseEvicted(['a', 'b', 'c', 'd'], limitsOf(2)), ['a', 'b', 'c'])
})

test('a limit that refuses ends nobody, and says how many there are', () => {
  try {
    chooseEvicted(['a', 'b'], limitsOf(2, 'refuse'))
    assert.unreachable()
  } catch (error) {
    assert.instance(error, CoatcheckError)
    assert.is((error as CoatcheckError).code, 'too_many_sessions')
    assert.match((error as CoatcheckError).message, 'there are 2 already, the limit is 2')
  }
})

function limitsOf(
  maxSessionsPerSub: number | undefined,
  onSessionLimit: SessionLimits['onSessionLimit'] = 'evict',
): SessionLimits {
  const none = { idleTimeoutMs: Infinity, lifetimeMs: Infinity }
  return {
    ordinary: none,
    permanent: none,
    sessionLimitBytes: Infinity,
    keyLimitBytes: Infinity,
    maxKeys: Infinity,
    maxDepth: Infinity,
    maxSessionsPerSub,
    onSessionLimit,
  }
}

test.run()
