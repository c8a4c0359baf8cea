import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parseJsonPatch } from '../../lib/json/json-patch.ts'
import { applyOperation, type Operation } from '../../lib/session/operations.ts'
import type { Session } from '../../lib/session/session.ts'
import { codeOf } from '../kit/runner/code-of.ts'
import { DAY, LIMITS } from '../kit/store/limits.ts'
import { sessionAt } from '../kit/store/session-at.ts'

const BEGAN = Date.UTC(2026, 0, 1)
const test = suite('operations')

test('pop refuses a key that is not there', () => {
  assert.is(refusal('{"a":1}', { name: 'pop', key: 'b' }), 'key_not_found')
  assert.is(refusal('{}', { name: 'pop', key: 'toString' }), 'key_not_found')
  assert.is(refusal('{}', { name: 'pop', key: '__proto__' }), 'key_not_found')
})

test('increment refuses what is no number, and a sum that is too long', () => {
  const increment = { name: 'increment', key: 'n', by: '1' } as const
  for (const value of ['"1"', 'null', 'true', '[1]', '{"n":1}']) {
    assert.is(refusal(`{"n":${value}}`, increment), 'wrong_type')
  }
  assert.is(refusal('{"n":1e999999999}', increment), 'number_too_large')
})

test('append refuses what is no list', () => {
  for (const value of ['"1"', 'null', 'true', '1', '{}']) {
    const append = { name: 'append', key: 'l', item: '1' } as const
    assert.is(refusal(`{"l":${value}}`, append), 'wrong_type')
  }
})

test('a patch refuses to leave a session without its parts, or with others', () => {
  assert.is(refusal('{}', patch('[{"op":"remove","path":"/data"}]')), 'invalid_patch')
  assert.is(refusal('{}', patch('[{"op":"replace","path":"/data","value":[]}]')), 'invalid_patch')
  assert.is(refusal('{}', patch('[{"op":"add","path":"/permanent","value":1}]')), 'invalid_patch')
  assert.is(refusal('{}', patch('[{"op":"add","path":"/id","value":"x"}]')), 'invalid_patch')
  assert.is(refusal('{}', patch('[{"op":"replace","path":"","value":{}}]', true)), 'invalid_patch')
})

test('a patch that writes claims is refused without the right to, however it says it', () => {
  const hostile = [
    '[{"op":"add","path":"/claims/sub","value":"eve"}]',
    '[{"op":"replace","path":"/claims","value":{"sub":"eve"}}]',
    '[{"op":"remove","path":"/claims/sub"}]',
    '[{"op":"move","from":"/claims/sub","path":"/data/sub"}]',
    '[{"op":"copy","from":"/data","path":"/claims"}]',
    '[{"op":"move","from":"/data/x","path":"/claims/x"}]',
    '[{"op":"replace","path":"","value":{"data":{},"claims":{"sub":"eve"},"permanent":false}}]',
    '[{"op":"copy","from":"/data","path":""}]',
  ]
  for (const steps of hostile) {
    assert.is(refusal('{"x":{"sub":"eve"}}', patch(steps)), 'claims_read_only', steps)
  }
  const read = patch('[{"op":"copy","from":"/claims/sub","path":"/data/who"}]')
  const session = sessionWith('{}', { claims: '{"sub":"ada"}' })
  assert.is(applyOperation(session, read, LIMITS).session.data, '{"who":"ada"}')
})

test('a patch with a test that does not hold is refused as a whole', () => {
  const steps = '[{"op":"add","path":"/data/a","value":1},{"op":"test","path":"/data/b","value":1}]'
  assert.is(refusal('{"b":2}', patch(steps)), 'test_failed')
})

test('a session never grows over its limit, and one that is over it may shrink', () => {
  const limits = { ...LIMITS, sessionLimitBytes: 40 }
  const at = (bytes: number) => `"${'x'.repeat(bytes - '{"k":""}'.length - '{}'.length)}"`
  const set = (bytes: number) => ({ name: 'set', key: 'k', value: at(bytes) }) as const
  assert.is(refusal('{}', set(41), limits), 'session_too_large')
  assert.is(apply('{}', set(40), limits).data, `{"k":${at(40)}}`)
  assert.is(
    refusal('{}', { name: 'update', claims: `{"k":${at(43)}}` }, limits),
    'session_too_large',
  )

  const both = { name: 'update', data: `{"k":${at(30)}}`, claims: '{"role":"admin"}' } as const
  assert.is(refusal('{}', both, limits), 'session_too_large')

  const over = `{"k":${at(60)}}`
  assert.is(refusal(over, set(61), limits), 'session_too_large')
  assert.is(
    apply(over, { name: 'renew', renewal: { id: 'new', secretHash: 'new' } }, limits).id,
    'new',
  )
  assert.is(apply(over, set(50), limits).data, `{"k":${at(50)}}`)
  assert.is(apply(over, { name: 'pop', key: 'k' }, limits).data, '{}')
  // Bytes, not characters.
  const emoji = { name: 'set', key: 'k', value: `"${'😀'.repeat(10)}"` } as const
  assert.is(refusal('{}', emoji, limits), 'session_too_large')
})

test('a key is refused when it is empty or too long, whichever operation brings it', () => {
  const long = 'k'.repeat(257)
  for (const key of ['', long, `${'é'.repeat(128)}x`]) {
    const quoted = JSON.stringify(key)
    const bringing: Operation[] = [
      { name: 'set', key, value: '1' },
      { name: 'increment', key, by: '1' },
      { name: 'append', key, item: '1' },
      { name: 'merge', key, patch: '{}' },
      { name: 'update', data: `{${quoted}:1}` },
      patch(`[{"op":"add","path":${JSON.stringify(`/data/${key}`)},"value":1}]`),
    ]
    for (const operation of bringing) assert.is(refusal('{}', operation), 'invalid_key')
  }
  assert.is(apply('{}', { name: 'set', key: 'é'.repeat(128), value: '1' }).version, 2)
})

test('a key too many is refused, whichever operation brings it', () => {
  const limits = { ...LIMITS, maxKeys: 2 }
  const full = '{"a":1,"b":2}'
  const bringing: Operation[] = [
    { name: 'set', key: 'c', value: '1' },
    { name: 'increment', key: 'c', by: '1' },
    { name: 'append', key: 'c', item: '1' },
    { name: 'merge', key: 'c', patch: '{}' },
    { name: 'update', data: '{"c":1}' },
    patch('[{"op":"add","path":"/data/c","value":1}]'),
  ]
  for (const operation of bringing) assert.is(refusal(full, operation, limits), 'too_many_keys')
  assert.is(apply(full, { name: 'set', key: 'b', value: '3' }, limits).data, '{"a":1,"b":3}')
  assert.is(apply(full, { name: 'update', data: '{"a":null,"c":1}' }, limits).data, '{"b":2,"c":1}')
})

test('append, patch and merge cannot nest a value deeper than its limit', () => {
  const limits = { ...LIMITS, maxDepth: 3 }
  const append = { name: 'append', key: 'l', item: '[[]]' } as const
  assert.is(apply('{"l":[]}', append, limits).data, '{"l":[[[]]]}')
  assert.is(refusal('{"l":[]}', { ...append, item: '[[[]]]' }, limits), 'too_deep')
  assert.is(refusal('{}', { ...append, item: '[[[]]]' }, limits), 'too_deep')

  const data = '{"a":[[]],"b":{"c":{"d":1}}}'
  const copy = (path: string) => patch(`[{"op":"copy","from":"/data/a","path":"${path}"}]`)
  assert.is(apply(data, copy('/data/b/c'), limits).data, '{"a":[[]],"b":{"c":[[]]}}')
  assert.is(refusal(data, copy('/data/b/c/d'), limits), 'too_deep')
  const claims = patch('[{"op":"add","path":"/claims/x","value":[[[[]]]]}]', true)
  assert.is(refusal(data, claims, limits), 'too_deep')
})

test('a precondition that does not hold refuses every operation', () => {
  const key = 'k'
  const operations: Operation[] = [
    { name: 'set', key, value: '1' },
    { name: 'pop', key },
    { name: 'increment', key, by: '1' },
    { name: 'append', key, item: '1' },
    { name: 'merge', key, patch: '{}' },
    { name: 'clear' },
    { name: 'update', permanent: true },
    patch('[]'),
    { name: 'renew', renewal: { id: 'new', secretHash: 'new' } },
  ]
  for (const operation of operations) {
    for (const when of [{ required: ['2'] }, { excluded: ['1'] }, { excluded: '*' }] as const) {
      assert.is(refusal('{"k":1}', { ...operation, when }), 'precondition_failed', operation.name)
    }
  }
  assert.is(refusal('{}', { name: 'pop', key, when: { required: '*' } }), 'precondition_failed')
})

test('a precondition that holds lets the operation through', () => {
  const set = { name: 'set', key: 'k', value: '2' } as const
  assert.is(apply('{"k":1}', { ...set, when: { required: ['7', '1'] } }).data, '{"k":2}')
  assert.is(apply('{"k":1}', { ...set, when: { required: '*' } }).data, '{"k":2}')
  assert.is(apply('{"k":1}', { ...set, when: { excluded: ['2'] } }).data, '{"k":2}')
  // The key decides, not the session: this is setdefault.
  assert.is(apply('{"a":1}', { ...set, when: { excluded: '*' } }).data, '{"a":1,"k":2}')
})

test('set puts a value byte for byte, in the place of the old one', () => {
  const value = '{ "b": 1.0,"a":[12345678901234567890 , 1e400] }'
  const set = { name: 'set', key: 'k', value } as const
  assert.is(apply('{"k":1,"z":2}', set).data, `{"k":${value},"z":2}`)
  const proto = { name: 'set', key: '__proto__', value: '{"admin":true}' } as const
  assert.is(apply('{}', proto).data, '{"__proto__":{"admin":true}}')
})

test('pop answers the value byte for byte and takes it out', () => {
  const applied = applyOperation(
    sessionWith('{"a":1.0,"b":[2 ]}'),
    { name: 'pop', key: 'a' },
    LIMITS,
  )
  assert.is(applied.value, '1.0')
  assert.is(applied.session.data, '{"b":[2 ]}')
})

test('increment and append begin at 0 and at an empty list, and answer the new value', () => {
  const increment = { name: 'increment', key: 'n', by: '-0.5' } as const
  assert.is(applyOperation(sessionWith('{}'), increment, LIMITS).value, '-0.5')
  assert.is(
    apply('{"n":9007199254740993}', { ...increment, by: '1' }).data,
    '{"n":9007199254740994}',
  )
  const append = { name: 'append', key: 'l', item: '1.0' } as const
  assert.is(applyOperation(sessionWith('{}'), append, LIMITS).value, '[1.0]')
  assert.is(apply('{"l":[1e400]}', append).data, '{"l":[1e400,1.0]}')
})

test('merge changes the members it names and answers the new value', () => {
  const merge = { name: 'merge', key: 'm', patch: '{"a":null,"b":{"c":2}}' } as const
  const applied = applyOperation(sessionWith('{"m":{"a":1,"b":{"d":1.0}}}'), merge, LIMITS)
  assert.is(applied.value, '{"b":{"d":1.0,"c":2}}')
  assert.is(applied.session.data, '{"m":{"b":{"d":1.0,"c":2}}}')
  assert.is(apply('{}', merge).data, '{"m":{"b":{"c":2}}}')
})

test('clear empties the data and leaves the session, its id and its claims', () => {
  const session = sessionWith('{"a":1}', { claims: '{"sub":"ada"}', permanent: true })
  assert.equal(applyOperation(session, { name: 'clear' }, LIMITS), {
    session: { ...session, data: '{}', version: 2 },
  })
})

test('update merges data and claims, and leaves what it does not name', () => {
  const session = sessionWith('{"a":1,"b":2}', { claims: '{"sub":"ada"}' })
  const update = { name: 'update', data: '{"a":null,"c":3}', claims: '{"role":"x"}' } as const
  assert.equal(applyOperation(session, update, LIMITS).session, {
    ...session,
    data: '{"b":2,"c":3}',
    claims: '{"sub":"ada","role":"x"}',
    version: 2,
  })
})

test('permanent brings the longer limits and, taken back, the ordinary ones', () => {
  const permanent = apply('{}', { name: 'update', permanent: true })
  assert.is(permanent.idleTimeoutMs, 31 * DAY)
  assert.is(permanent.lifetimeMs, 31 * DAY)
  const back = applyOperation(permanent, { name: 'update', permanent: false }, LIMITS).session
  assert.equal(back, { ...sessionWith('{}'), version: 3 })
  const step = patch('[{"op":"replace","path":"/permanent","value":true}]')
  assert.equal(apply('{}', step), permanent)
})

test('permanent, said again, leaves a session the limits that it has', () => {
  const session = sessionWith('{}', { permanent: true, idleTimeoutMs: 1_234, lifetimeMs: 5_678 })
  const again = applyOperation(session, { name: 'update', permanent: true }, LIMITS).session
  assert.is(again, session)
})

test('with more keys than are allowed since, a session may change those that it has', () => {
  const limits = { ...LIMITS, maxKeys: 2 }
  const over = '{"a":1,"b":2,"c":3}'
  assert.is(apply(over, { name: 'set', key: 'b', value: '4' }, limits).data, '{"a":1,"b":4,"c":3}')
  assert.is(
    apply(over, { name: 'increment', key: 'a', by: '1' }, limits).data.slice(0, 6),
    '{"a":2',
  )
  assert.is(refusal(over, { name: 'set', key: 'd', value: '4' }, limits), 'too_many_keys')
})

test('a patch leaves no key repeated in the data', () => {
  const twice = patch('[{"op":"replace","path":"/data","value":{"a":1,"b":1.0,"a":2}}]')
  assert.is(apply('{}', twice).data, '{"a":2,"b":1.0}')
})

test('renew gives the session another id and secret and keeps the rest', () => {
  const session = sessionWith('{"a":1}', { claims: '{"sub":"ada"}' })
  const renew = { name: 'renew', renewal: { id: 'new', secretHash: 'new hash' } } as const
  assert.equal(applyOperation(session, renew, LIMITS), {
    session: { ...session, id: 'new', secretHash: 'new hash', version: 2 },
  })
})

function sessionWith(data: string, given: Partial<Session> = {}): Session {
  return sessionAt(BEGAN, { data, ...given })
}

function apply(data: string, operation: Operation, limits = LIMITS): Session {
  return applyOperation(sessionWith(data), operation, limits).session
}

/** The code of the refusal, or what the operation made where it was not refused. */
function refusal(data: string, operation: Operation, limits = LIMITS): string {
  try {
    return apply(data, operation, limits).data
  } catch (error) {
    return codeOf(error)
  }
}

function patch(steps: string, mayWriteClaims = false): Operation {
  return { name: 'patch', steps: parseJsonPatch(steps), mayWriteClaims }
}

test.run()
