import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { bodyOf, openBackEnd } from '../../kit/clients/back-end.ts'
import {
  API_KEY,
  type Ask,
  openServer,
  problemOf,
  refusalOf,
  type ServerOptions,
  sessionOf,
  signIn,
} from '../../kit/process/open-server.ts'

const test = suite('PATCH /session by keys')

test('edits beside a merge patch, and a body that holds neither, are refused and change nothing', async () => {
  const { patch, read } = await openSession({ a: 1 })
  for (const body of [
    '{"set":{"a":2},"data":{}}',
    '{"data":{"a":2},"remove":[]}',
    '{"set":{"a":2},"nonsense":1}',
    '{"set":{"a":2},"value":1}',
    '{"set":{"a":2},"version":9}',
    '{"set":{"a":2},"remove":["a"]}',
    '{"set":{"a":2},"in":{"b":{"claims":{}}}}',
    '{"set":{"a":2},"lifetime":60}',
  ]) {
    assert.is(await refusalOf(await patch(body)), '422 invalid_argument', body)
  }
  const { detail } = await problemOf(await patch('{"set":{"a":2},"data":{}}'))
  assert.match(detail, '"data" is a merge patch, and set, remove, increment, extend and in')
  assert.is(await refusalOf(await patch('{"set":{"a":2},"claims":{}}')), '403 claims_read_only')
  assert.equal((await read()).data, { a: 1 })
})

test('one request changes keys, objects inside, lists and counters, in one step or not at all', async () => {
  const { patch, read } = await openSession({
    gone: 1,
    n: 1,
    list: ['a'],
    settings: { lang: 'en' },
  })
  const good =
    '"set":{"user":"ada","none":null},"remove":["gone","never"],"increment":{"n":2},' +
    '"extend":{"list":["b","c"]}'
  const bad = await patch(`{${good},"in":{"settings":{"increment":{"lang":1}}}}`)
  assert.is(await refusalOf(bad), '409 wrong_type')
  assert.equal((await read()).data, { gone: 1, n: 1, list: ['a'], settings: { lang: 'en' } })

  const inside = '"in":{"settings":{"set":{"lang":null},"in":{"deep":{"extend":{"l":[1]}}}}}'
  const answer = await patch(`{${good},${inside},"permanent":true}`)
  assert.equal([answer.status, answer.headers.get('etag')], [200, '"2"'])
  const { data, permanent } = await sessionOf(answer)
  assert.equal(data, {
    ...{ n: 3, list: ['a', 'b', 'c'], settings: { lang: null, deep: { l: [1] } } },
    ...{ user: 'ada', none: null },
  })
  assert.is(permanent, true)
})

test('without a session they begin one; with If-Match they wait for no other version', async () => {
  const { request } = openServer()
  const answer = await request('PATCH /session', { body: '{"set":{"a":null}}' })
  assert.is(answer.status, 200)
  assert.ok(answer.headers.has('set-cookie'))
  assert.equal((await sessionOf(answer)).data, { a: null })

  const { patch } = await openSession({ a: 1 })
  const old = await patch('{"set":{"a":2}}', { headers: { 'if-match': '"7"' } })
  assert.is(await refusalOf(old), '412 precondition_failed')
})

test('a back end sends edits, claims and limits in one step', async () => {
  const { ask, create } = openBackEnd()
  const { id } = await create({ data: { a: 1 }, claims: { sub: 'ada' } })
  const answer = await ask(`PATCH /sessions/${id}`, {
    body: '{"set":{"a":2},"claims":{"role":"admin"},"idleTimeout":60}',
  })
  const { data, claims, expiresAt, lastSeenAt } = await bodyOf(answer)
  assert.equal([data, claims], [{ a: 2 }, { sub: 'ada', role: 'admin' }])
  assert.is(Date.parse(expiresAt) - Date.parse(lastSeenAt), 60_000)
})

test('keys that a session cannot hold, and values that are too deep or too large, are refused', async () => {
  const { patch, read } = await openSession(
    { a: 1 },
    { keyLimitBytes: 20, maxKeys: 3, maxDepth: 3, sessionLimitBytes: 1_000 },
  )
  const long = 'k'.repeat(21)
  for (const [body, refusal] of [
    ['{"set":{"":1}}', '422 invalid_key'],
    [`{"extend":{"${long}":[]}}`, '422 invalid_key'],
    [`{"in":{"${long}":{}}}`, '422 invalid_key'],
    ['{"set":{"b":1,"c":1,"d":1}}', '422 too_many_keys'],
    [`{"set":{"b":"${'x'.repeat(1_000)}"}}`, '413 session_too_large'],
    ['{"set":{"b":[[[[]]]]}}', '422 too_deep'],
    ['{"extend":{"b":[[[[]]]]}}', '422 too_deep'],
    ['{"in":{"b":{"set":{"c":[[[]]]}}}}', '422 too_deep'],
    ['{"in":{"b":{"in":{"c":{"in":{"d":{"in":{"e":{}}}}}}}}}', '422 too_deep'],
    ['{"in":{"b":{"in":{"c":{"in":{"d":{"set":{"e":[]}}}}}}}}', '422 too_deep'],
    // What the longer bodies of edits allow, others do not have.
    ['{"data":{"b":[[[[]]]]}}', '422 too_deep'],
    ['{"set":{"b":[[[[[[[[[]]]]]]]]]}}', '422 too_deep'],
  ] as const) {
    assert.is(await refusalOf(await patch(body)), refusal, body)
  }
  assert.equal((await read()).data, { a: 1 })

  const deepest = '{"in":{"b":{"in":{"c":{"set":{"d":[1]}}}}},"set":{"c":[[[]]]}}'
  assert.is((await patch(deepest)).status, 200)
  // A key inside a value has no limit of its own, and may be empty.
  assert.is((await patch(`{"in":{"b":{"set":{"":1,"${long}":1}}}}`)).status, 200)
})

test('25 requests at once that each set another key, in one object or at the top, lose nothing', async () => {
  const { patch, read } = await openSession({})
  for (const round of [0, 1, 2, 3]) {
    const asks = Array.from({ length: 25 }, (_, n) =>
      patch(
        `{"set":{"k${round}-${n}":1},"in":{"cart":{"set":{"k${round}-${n}":1}}},` +
          `"extend":{"list":["${round}-${n}"]},"increment":{"hits":1}}`,
      ),
    )
    for (const { status } of await Promise.all(asks)) assert.is(status, 200)
  }
  const { data } = await read()
  const { cart, list, hits, ...keys } = data as {
    cart: object
    list: string[]
    hits: number
  }
  assert.equal(
    [Object.keys(keys).length, Object.keys(cart).length, new Set(list).size, hits],
    [100, 100, 100, 100],
  )
})

test('with an API key beside the cookie they are the same', async () => {
  const { patch } = await openSession({ a: 1 })
  const answer = await patch('{"set":{"a":2},"claims":{"role":"x"}}', { key: API_KEY })
  const { data, claims } = await sessionOf(answer)
  assert.equal([data, claims], [{ a: 2 }, { role: 'x' }])
})

test.run()

async function openSession(data: object, options: ServerOptions = {}) {
  const { request } = openServer(options)
  const cookie = await signIn(request, data)
  return {
    patch: (body: string, more: Ask = {}) => request('PATCH /session', { cookie, body, ...more }),
    read: async () => await sessionOf(await request('GET /session', { cookie })),
  }
}
