import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { endingOf, openBackEnd, rowsOf } from '../../kit/clients/back-end.ts'
import { API_KEY, type Ask, cookieOf, problemOf, refusalOf } from '../../kit/process/open-server.ts'

const test = suite('Session-Token')

const MADE_UP = `${'a'.repeat(21)}.${'b'.repeat(43)}`

test('a token that opens nothing, is malformed or empty is 404 with its reason', async () => {
  const { request } = openBackEnd()
  for (const [token, reason, words] of [
    [MADE_UP, 'unknown_token', 'the token opens none'],
    ['nonsense', 'malformed_token', 'the token is malformed'],
    [API_KEY, 'malformed_token', 'the token is malformed'],
    ['', 'no_token', 'Session-Token is empty'],
  ] as const) {
    for (const key of [undefined, API_KEY]) {
      const answer = await request('GET /session', {
        ...(key === undefined ? {} : { key }),
        headers: { 'session-token': token },
      })
      assert.is(answer.status, 404)
      const problem = await problemOf(answer)
      assert.equal([problem.code, problem.reason], ['session_not_found', reason])
      assert.match(problem.detail, words)
      assert.ok(token === '' || !JSON.stringify(problem).includes(token))
    }
  }
})

test('an API key in it opens no door, and a token opens none below /sessions', async () => {
  const { request, create } = openBackEnd()
  const { token = '' } = await create()
  for (const own of [API_KEY, token]) {
    const answer = await request('GET /sessions', { headers: { 'session-token': own } })
    assert.is(await refusalOf(answer), '401 api_key_required')
  }
})

test('beside an API key it says which session, and the key says who asks', async () => {
  const { ask, create } = openBackEnd()
  const { id, token = '' } = await create({ data: { a: 1 } })
  const headers = { 'session-token': token }
  const seen = await ask('GET /session', { headers })
  assert.equal(JSON.parse(await seen.text()).device !== undefined, true)
  const written = await ask('PATCH /session', { headers, body: '{"claims":{"role":"admin"}}' })
  assert.is(written.status, 200)
  assert.equal(JSON.parse(await written.text()).id, id)
})

test('without a key it has the rights of the cookie', async () => {
  const { request, create } = openBackEnd()
  const { token = '' } = await create({ data: { a: 1 } })
  const headers = { 'session-token': token }
  assert.is(await (await request('GET /session/a', { headers })).text(), '1')
  const claims = await request('PATCH /session', { headers, body: '{"claims":{}}' })
  assert.is(await refusalOf(claims), '403 claims_read_only')
  const kept = openBackEnd({ holderAccess: 'none' })
  const other = await kept.create()
  const closed = await kept.request('GET /session', {
    headers: { 'session-token': other.token ?? '' },
  })
  assert.is(await refusalOf(closed), '403 holder_access_denied')
})

test('a back end whose token opens nothing begins no session', async () => {
  const server = openBackEnd()
  const { token = '', cookie } = await server.create()
  await server.request('POST /session/renew', { cookie })
  const before = rowsOf(server)
  for (const [own, ending] of [
    [token, '410 session_ended renewed'],
    [MADE_UP, '404 session_not_found unknown_token'],
    ['', '404 session_not_found no_token'],
  ] as const) {
    const headers = { 'session-token': own }
    const answer = await server.ask('PATCH /session', { headers, body: '{"set":{"a":1}}' })
    assert.is(await endingOf(answer), ending)
  }
  assert.equal(rowsOf(server), before)
})

test('it counts before the cookie; of two that differ in headers neither counts', async () => {
  const { request, ask, create } = openBackEnd()
  const one = await create({ data: { n: 1 } })
  const two = await create({ data: { n: 2 } })
  const own = { 'session-token': one.token ?? '' }
  const bearer = (token = '') => ({ authorization: `Bearer ${token}` })
  assert.is(
    await (await request('GET /session/n', { cookie: two.cookie, headers: own })).text(),
    '1',
  )
  assert.is(await (await ask('GET /session/n', { cookie: two.cookie, headers: own })).text(), '1')
  const same = await request('GET /session/n', { headers: { ...own, ...bearer(one.token) } })
  assert.is(await same.text(), '1')

  for (const shown of [bearer(two.token), bearer(MADE_UP), bearer('nonsense')]) {
    const answer = await request('GET /session/n', { headers: { ...own, ...shown } })
    assert.is(await endingOf(answer), '404 session_not_found two_tokens')
  }
  // It opens nothing, and no cookie stands in for it.
  const dead = await request('GET /session/n', {
    cookie: two.cookie,
    headers: { 'session-token': '' },
  })
  assert.is(await endingOf(dead), '404 session_not_found no_token')
})

test('a write with one that is unknown begins a session of a new id, never of the one asked for', async () => {
  const { request } = openBackEnd()
  for (const token of [MADE_UP, 'nonsense', '']) {
    const answer = await request('PUT /session/a', {
      headers: { 'session-token': token },
      body: '1',
    })
    assert.is(answer.status, 204)
    const given = answer.headers.get('session-token') ?? ''
    assert.is.not(given.split('.')[0], token.split('.')[0])
    const seen = await request('GET /session/a', { headers: { 'session-token': given } })
    assert.is(await seen.text(), '1')
  }
})

test('a new token comes in it to who shows one there, and to nobody else', async () => {
  const { request, ask, create } = openBackEnd()
  const renew = async (by: typeof request, more: Ask) => {
    const answer = await by('POST /session/renew', more)
    assert.is(answer.status, 204)
    return [answer.headers.get('session-token'), cookieOf(answer)] as const
  }
  const { token = '' } = await create()
  const [renewed, none] = await renew(request, { headers: { 'session-token': token } })
  assert.ok(renewed !== null && renewed !== token)
  assert.is(none, '')
  assert.is((await request('GET /session', { headers: { 'session-token': token } })).status, 410)
  const [byKey, cookie] = await renew(ask, { headers: { 'session-token': renewed } })
  assert.is(cookie, `sid=${byKey}`)

  const other = await create()
  const [own, set] = await renew(request, { cookie: other.cookie })
  assert.is(own, null)
  assert.match(set, /^sid=.+/)

  const logIn = await ask('PATCH /session', {
    headers: { 'session-token': byKey ?? '' },
    body: '{"claims":{"sub":"ada"}}',
  })
  const loggedIn = logIn.headers.get('session-token') ?? ''
  assert.is(`sid=${loggedIn}`, cookieOf(logIn))
  const plain = await ask('PATCH /session', {
    headers: { 'session-token': loggedIn },
    body: '{"set":{"a":1}}',
  })
  assert.equal([plain.status, plain.headers.get('session-token')], [200, null])
})

test('no script of a page puts a token that it knows into the cookie, or learns what is in it', async () => {
  const { request, ask, create } = openBackEnd()
  const mine = await create()
  const victim = await create()
  for (const [line, body] of [
    ['PUT /session/a', '1'],
    ['PATCH /session', '{"permanent":true}'],
    ['PATCH /session/n', '{"increment":1}'],
    ['DELETE /session/a?default=1', undefined],
    ['POST /session/renew', undefined],
    ['PUT /session/a', '1'],
    ['DELETE /session', undefined],
  ] as const) {
    for (const token of [mine.token ?? '', '', MADE_UP]) {
      // The browser adds its cookie to whatever the script sends.
      const answer = await request(line, {
        cookie: victim.cookie,
        headers: { 'session-token': token },
        ...(body === undefined ? {} : { body }),
      })
      assert.is(answer.headers.get('set-cookie'), null, `${line} ${token}`)
      assert.not((answer.headers.get('session-token') ?? '').startsWith(victim.id))
    }
  }
  assert.is((await request('GET /session', { cookie: victim.cookie })).status, 200)

  const other = await create()
  const headers = { 'session-token': other.token ?? '' }
  const ended = await ask('DELETE /session', { headers })
  assert.match(ended.headers.get('set-cookie') ?? '', /^sid=; Max-Age=0/)
})

test('/verify takes it where it has the shape of a token, before the cookie', async () => {
  const { request, create } = openBackEnd()
  const one = await create({ claims: { sub: 'ada' } })
  const two = await create({ claims: { sub: 'eve' } })
  const verify = async (headers: Record<string, string>, cookie?: string): Promise<string> => {
    const answer = await request('GET /verify', { headers, ...(cookie && { cookie }) })
    const sub = answer.headers.get('session-sub') ?? ''
    return answer.status === 200 ? sub : `${answer.status} ${(await problemOf(answer)).reason}`
  }
  const own = { 'session-token': one.token ?? '' }
  assert.is(await verify(own), 'ada')
  assert.is(await verify(own, two.cookie), 'ada')
  // Whatever the application behind the proxy has in a header of this name.
  assert.is(await verify({ 'session-token': 'of the application' }, two.cookie), 'eve')
  assert.is(await verify({ 'session-token': '' }, two.cookie), 'eve')
  assert.is(await verify({ 'session-token': MADE_UP }, two.cookie), '401 unknown_token')
  assert.is(await verify({ ...own, authorization: `Bearer ${two.token}` }), '401 two_tokens')
  assert.is(await verify({ ...own, authorization: 'Bearer of-the-application' }), 'ada')
})

test('with two cookies that differ, a token in the header is what the answer is about', async () => {
  const { request } = openBackEnd()
  const answer = await request('POST /session/clear', {
    cookie: 'sid=one; sid=two',
    headers: { 'session-token': MADE_UP },
  })
  assert.is(await endingOf(answer), '404 session_not_found unknown_token')
  assert.is(answer.headers.get('set-cookie'), null)
})

test('no token of the header is in the log', async () => {
  const server = openBackEnd()
  const { token = '' } = await server.create()
  for (const key of ['ck_wrong-key-of-thirty-characters', API_KEY]) {
    await server.request('GET /session', { key, headers: { 'session-token': token } })
    await server.request('DELETE /session', { key, headers: { 'session-token': token } })
  }
  assert.ok(server.logged.length > 0)
  assert.not(server.logged.join('').includes(token.split('.')[1] ?? ''))
})

test.run()
