/** Claims as pure functions have them: whose session it is, and when that takes a new token. */
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CoatcheckError } from '../../lib/base/errors.ts'
import { parseJsonPatch } from '../../lib/json/json-patch.ts'
import { checkClaims, findSub } from '../../lib/session/claims.ts'
import { beginSession } from '../../lib/session/new-session.ts'
import { applyOperation, mayWriteClaims, type Operation } from '../../lib/session/operations.ts'
import type { Session } from '../../lib/session/session.ts'
import { codeOf } from '../kit/runner/code-of.ts'
import { DAY, HOUR, MINUTE, LIMITS } from '../kit/store/limits.ts'
import { sessionAt } from '../kit/store/session-at.ts'

const BEGAN = Date.UTC(2026, 0, 1)
const RENEWAL = { id: 'renewed', secretHash: 'another hash' }
const test = suite('claims of a session')

test('a sub that is no string, or has no place in a header, is refused and not quoted', () => {
  for (const sub of ['0', 'null', 'false', '[]', '{"sub":"ada"}', '1e400']) {
    assert.is(refusalOf(`{"sub":${sub}}`).code, 'invalid_claims', sub)
  }
  for (const sub of ['', ' ', ' x', 'x\t', 'x\n', '\r', 'a\x00b', '\x1f', 'a\x7f', '\u3000x']) {
    assert.is(refusalOf(JSON.stringify({ sub })).code, 'invalid_claims', JSON.stringify(sub))
  }
  const secret = 'somebody@example.com'
  const refused = refusalOf(JSON.stringify({ sub: `${secret}\n` }))
  assert.match(refused.message, /^Cannot use claims\.sub: it must be a string of 1 to 255 bytes/)
  assert.not.match(refused.message, new RegExp(secret))
})

test('a sub counts in bytes of UTF-8', () => {
  checkClaims(JSON.stringify({ sub: 'x'.repeat(255) }))
  checkClaims(JSON.stringify({ sub: '😀'.repeat(63) }))
  assert.match(refusalOf(JSON.stringify({ sub: '😀'.repeat(64) })).message, /got 256 bytes/)
})

test('half of a surrogate pair is no sub, and a pair in two escapes is one', () => {
  assert.is(refusalOf(String.raw`{"sub":"a\ud83d"}`).code, 'invalid_claims')
  assert.is(refusalOf(String.raw`{"sub":"\ude00\ud83d"}`).code, 'invalid_claims')
  const pair = String.raw`{"sub":"\ud83d\ude00"}`
  checkClaims(pair)
  assert.is(findSub(pair), '😀')
})

test('claims without a sub are those of nobody, whatever is below them or nearly called so', () => {
  const claims = [
    '{}',
    '{ }',
    '{"Sub":"ada"}',
    '{"sub ":"ada"}',
    '{"":"ada"}',
    '{"user":{"sub":"ada"}}',
    '{"list":["sub",{"sub":"ada"}]}',
    String.raw`{"text":"\"sub\":\"ada\""}`,
    '{"__proto__":{"sub":"ada"}}',
    '{"constructor":1,"toString":2}',
  ]
  for (const text of claims) {
    checkClaims(text)
    assert.is(findSub(text), undefined, text)
  }
})

test('the sub is found however its name and value are spelt', () => {
  assert.is(findSub(' { "role" : "x" , "sub" : "ada" } '), 'ada')
  assert.is(findSub(String.raw`{"\u0073ub":"\u0061da"}`), 'ada')
  assert.is(findSub(String.raw`{"sub":"a\/\"\\b"}`), 'a/"\\b')
})

test('of a repeated sub the last one counts, as JSON.parse has it, and is the one that is checked', () => {
  assert.is(findSub('{"sub":"ada","sub":"eve"}'), 'eve')
  assert.is(findSub(String.raw`{"sub":"ada","\u0073ub":"eve"}`), 'eve')
  assert.is(refusalOf('{"sub":"ada","sub":1}').code, 'invalid_claims')
  checkClaims('{"sub":1,"sub":"ada"}')
})

test('any string that may be a sub is found as it was put', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), (sub) => {
      const text = JSON.stringify({ a: [sub], sub, z: { sub: 1 } })
      try {
        checkClaims(text)
      } catch (error) {
        assert.is(codeOf(error), 'invalid_claims')
        return
      }
      assert.is(findSub(text), sub)
      // What passed can stand in a header.
      assert.is(new Headers({ 'Session-Sub': encodeURIComponent(sub) }).has('Session-Sub'), true)
    }),
  )
})

test('an invalid sub is refused by each operation that writes claims', () => {
  const session = sessionAt(BEGAN, { claims: '{"sub":"ada"}' })
  for (const operation of [
    update('{"sub":7}'),
    update('{"sub":""}'),
    replace({ claims: '{"sub":null}' }),
    patch('[{"op":"add","path":"/claims/sub","value":[]}]'),
    patch('[{"op":"copy","from":"/claims","path":"/claims/sub"}]'),
    patch('[{"op":"replace","path":"/claims","value":{"sub":" ada"}}]'),
  ]) {
    assert.throws(
      () => applyOperation(session, operation, LIMITS),
      (error: unknown) => codeOf(error) === 'invalid_claims',
      JSON.stringify(operation),
    )
  }
})

test('a sub that is set, changed or removed renews, by each operation that writes claims', () => {
  const visitor = sessionAt(BEGAN)
  const ada = sessionAt(BEGAN, { claims: '{"sub":"ada"}' })
  const operations: [Session, Operation][] = [
    [visitor, update('{"sub":"ada"}')],
    [visitor, replace({ claims: '{"sub":"ada"}' })],
    [visitor, patch('[{"op":"add","path":"/claims/sub","value":"ada"}]')],
    [visitor, patch('[{"op":"replace","path":"/claims","value":{"sub":"ada"}}]')],
    [ada, update('{"sub":"Ada"}')],
    [ada, replace({ claims: '{"sub":"ada","sub":"eve"}' })],
    [ada, patch('[{"op":"replace","path":"/claims/sub","value":"eve"}]')],
    [ada, update('{"sub":null}')],
    [ada, replace({})],
    [ada, patch('[{"op":"remove","path":"/claims/sub"}]')],
    [ada, patch('[{"op":"move","from":"/claims/sub","path":"/claims/was"}]')],
    [ada, patch('[{"op":"move","from":"/claims/sub","path":"/data/was"}]')],
  ]
  for (const [session, operation] of operations) {
    const { id, secretHash, version } = applyOperation(session, operation, LIMITS).session
    assert.equal({ id, secretHash }, RENEWAL, JSON.stringify(operation))
    assert.is(version, 2)
  }
})

test('what leaves the sub as it was renews nothing, however it says it', () => {
  const ada = sessionAt(BEGAN, { claims: '{"sub":"ada"}', data: '{"who":"ada"}' })
  for (const operation of [
    update('{}'),
    update('{"role":"admin"}'),
    update('{"sub":"ada"}'),
    update(String.raw`{"\u0073ub":"\u0061da"}`),
    replace({ claims: '{"role":"admin", "sub" : "ada"}' }),
    replace({ claims: '{"sub":"eve","sub":"ada"}' }),
    patch('[{"op":"add","path":"/claims/role","value":"admin"}]'),
    patch('[{"op":"copy","from":"/data/who","path":"/claims/sub"}]'),
    patch('[{"op":"remove","path":"/claims/sub"},{"op":"add","path":"/claims/sub","value":"ada"}]'),
    patch('[{"op":"test","path":"/claims/sub","value":"ada"}]'),
  ]) {
    const { id, secretHash, claims } = applyOperation(ada, operation, LIMITS).session
    assert.equal({ id, secretHash }, { id: ada.id, secretHash: 'hash' }, JSON.stringify(operation))
    assert.is(findSub(claims), 'ada')
  }
})

test('a session that no token opens keeps its id, and gets no secret by a log-in', () => {
  const chosen = sessionAt(BEGAN, { id: 'chosen-by-a-back-end', secretHash: null })
  for (const operation of [
    update('{"sub":"ada"}'),
    replace({ claims: '{"sub":"ada"}' }),
    patch('[{"op":"add","path":"/claims/sub","value":"ada"}]'),
  ]) {
    const { id, secretHash, claims } = applyOperation(chosen, operation, LIMITS).session
    assert.equal([id, secretHash, claims], [chosen.id, null, '{"sub":"ada"}'])
  }
})

test('a renewal changes the id and the hash, and nothing that the operation does not', () => {
  const visitor = sessionAt(BEGAN, {
    data: '{"cart":[1.0]}',
    permanent: true,
    lastSeenAt: BEGAN + MINUTE,
    idleTimeoutMs: 7,
    lifetimeMs: 77,
    version: 4,
    device: '{"address":"192.0.2.1"}',
  })
  const { session } = applyOperation(visitor, update('{"sub":"ada"}'), LIMITS)
  assert.equal(session, { ...visitor, ...RENEWAL, claims: '{"sub":"ada"}', version: 5 })
})

test('an operation that is refused leaves the session as it was', () => {
  const visitor = sessionAt(BEGAN)
  const before = structuredClone(visitor)
  const operation = { ...update('{"sub":"ada"}'), when: { required: ['7'] } }
  assert.throws(
    () => applyOperation(visitor, operation, LIMITS),
    (error: unknown) => codeOf(error) === 'precondition_failed',
  )
  assert.equal(visitor, before)
})

test('claims that were written have no member twice, and keep the text of each', () => {
  const written = '{"a":1,"sub":"eve","a": 1.0 ,"n":12345678901234567890,"sub":"ada"}'
  const { claims } = applyOperation(sessionAt(BEGAN), replace({ claims: written }), LIMITS).session
  assert.is(claims, '{"a": 1.0 ,"sub":"ada","n":12345678901234567890}')
})

test('replace puts data, claims, the flag and the limits in place of all that was there', () => {
  const before = sessionAt(BEGAN, {
    data: '{"a":1,"b":2}',
    claims: '{"role":"admin"}',
    permanent: true,
    idleTimeoutMs: 7,
    lifetimeMs: 77,
    version: 3,
    device: '{"address":"192.0.2.1"}',
  })
  const given = { data: '{"c": 1e400}', claims: '{"role":"x"}', idleTimeoutMs: MINUTE }
  const { session, value } = applyOperation(before, replace(given), LIMITS)
  assert.is(value, undefined)
  assert.equal(session, {
    ...before,
    data: '{"c": 1e400}',
    claims: '{"role":"x"}',
    permanent: false,
    idleTimeoutMs: MINUTE,
    lifetimeMs: 12 * HOUR,
    ownIdleTimeout: true,
    version: 4,
  })
  const permanent = applyOperation(before, replace({ permanent: true }), LIMITS).session
  assert.equal([permanent.idleTimeoutMs, permanent.lifetimeMs], [31 * DAY, 31 * DAY])
})

test('replace is held to the rules of keys and size', () => {
  const limits = { ...LIMITS, keyLimitBytes: 3, maxKeys: 2, sessionLimitBytes: 40 }
  const session = sessionAt(BEGAN)
  const refusal = (given: object) => {
    try {
      return applyOperation(session, replace(given), limits).session.data
    } catch (error) {
      return codeOf(error)
    }
  }
  assert.is(refusal({ data: '{"":1}' }), 'invalid_key')
  assert.is(refusal({ data: '{"four":1}' }), 'invalid_key')
  assert.is(refusal({ data: '{"a":1,"b":2,"c":3}' }), 'too_many_keys')
  assert.is(refusal({ data: `{"a":"${'x'.repeat(40)}"}` }), 'session_too_large')
  assert.is(refusal({ claims: `{"a":"${'x'.repeat(40)}"}` }), 'session_too_large')
  assert.is(refusal({ data: '{"a":1,"a":2,"b":3}' }), '{"a":2,"b":3}')
})

test('a session that begins with claims has the key that it was given', () => {
  const key = { id: 'fresh', secretHash: 'its hash' }
  const draft = { name: 'replace', data: '{}', claims: '{"sub":"ada"}', permanent: false } as const
  const { session } = beginSession(key, draft, null, BEGAN, LIMITS)
  assert.equal([session.id, session.secretHash, session.version], ['fresh', 'its hash', 1])
  assert.is(findSub(session.claims), 'ada')
})

test('a log-in renews whoever it is, and leaves nothing of the claims before it', () => {
  const ada = sessionAt(BEGAN, { claims: '{"sub":"ada","role":"admin"}' })
  for (const claims of ['{"sub":"bob"}', '{"sub":"ada"}', ada.claims]) {
    const operation = { name: 'update', claims, isLogin: true, renewal: RENEWAL } as const
    const { session } = applyOperation(ada, operation, LIMITS)
    assert.equal([session.id, session.claims], ['renewed', claims])
  }
})

test('an operation that could change the sub says so, and no other does', () => {
  const steps = parseJsonPatch('[]')
  const may: Operation[] = [update('{}'), replace({}), patch('[]')]
  const mayNot: Operation[] = [
    { name: 'update', data: '{"sub":"ada"}', permanent: true },
    { name: 'patch', steps, mayWriteClaims: false },
    { name: 'set', key: 'sub', value: '"ada"' },
    { name: 'pop', key: 'sub' },
    { name: 'increment', key: 'sub', by: '1' },
    { name: 'append', key: 'sub', item: '1' },
    { name: 'merge', key: 'claims', patch: '{"sub":"ada"}' },
    { name: 'clear' },
    { name: 'renew', renewal: RENEWAL },
  ]
  assert.equal(may.map(mayWriteClaims), [true, true, true])
  for (const operation of mayNot) {
    assert.is(mayWriteClaims(operation), false, operation.name)
    const session = sessionAt(BEGAN, { data: '{"sub":[]}', claims: '{"sub":"ada"}' })
    try {
      const after = applyOperation(session, operation, LIMITS).session
      assert.is(after.claims, session.claims, operation.name)
    } catch (error) {
      assert.is(codeOf(error), 'wrong_type', operation.name)
    }
  }
})

/** Each as it comes to the writer: with the key that is to open the session of another user. */
function update(claims: string): Operation {
  return { name: 'update', claims, renewal: RENEWAL }
}

function patch(steps: string): Operation {
  return { name: 'patch', steps: parseJsonPatch(steps), mayWriteClaims: true, renewal: RENEWAL }
}

function replace(given: object): Operation {
  const draft = { data: '{}', claims: '{}', permanent: false, ...given }
  return { name: 'replace', ...draft, renewal: RENEWAL }
}

function refusalOf(claims: string): { code: string; message: string } {
  try {
    checkClaims(claims)
  } catch (error) {
    if (error instanceof CoatcheckError) return error
    throw error
  }
  return { code: 'none', message: '' }
}

test.run()
