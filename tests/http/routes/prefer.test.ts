import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { bodyOf, openBackEnd } from '../../kit/clients/back-end.ts'
import { API_KEY, cookieOf, refusalOf } from '../../kit/process/open-server.ts'

const test = suite('Prefer: return=minimal')

const MINIMAL = { prefer: 'return=minimal' }

test('what is no such preference gets the body', async () => {
  const { request } = openBackEnd()
  for (const prefer of [
    ...['', 'return', 'return=', 'minimal', 'return=minimally', 'return=representation'],
    ...['xreturn=minimal', 'return=representation, return=minimal', 'respond-async'],
    ...['return=minimal"', 'return="minimal'],
  ]) {
    const answer = await request('PATCH /session/n', {
      body: '{"increment":1}',
      headers: { prefer },
    })
    assert.equal([answer.status, await answer.text()], [200, '1'], prefer)
    assert.is(answer.headers.get('preference-applied'), null)
  }
})

test('the preference is read as RFC 7240 writes it', async () => {
  const { request } = openBackEnd()
  for (const prefer of [
    ...['return=minimal', 'Return=Minimal', ' return = "minimal" ', 'return=minimal;foo=1'],
    ...['respond-async, return=minimal', 'wait=5,return=minimal, return=representation'],
  ]) {
    const answer = await request('PATCH /session/n', {
      body: '{"increment":1}',
      headers: { prefer },
    })
    assert.equal([answer.status, await answer.text()], [204, ''], prefer)
    assert.is(answer.headers.get('preference-applied'), 'return=minimal')
  }
})

test('each write that returns a body is 204 with its ETag, and has the same effect', async () => {
  const { ask, create } = openBackEnd()
  const { id, cookie } = await create({ data: { n: 1, gone: 1, also: 1 } })
  const own = { cookie, key: API_KEY }
  const lines = [
    ['PATCH /session', { ...own, body: '{"set":{"a":1}}' }],
    ['PATCH /session/n', { ...own, body: '{"increment":1}' }],
    ['DELETE /session/gone', own],
    [`PATCH /sessions/${id}`, { body: '{"set":{"b":1}}' }],
    [`PATCH /sessions/${id}/n`, { body: '{"increment":1}' }],
    [`DELETE /sessions/${id}/also`, {}],
    [`PUT /sessions/${id}`, { body: '{"data":{"a":1}}' }],
  ] as const
  for (const [at, [line, more]] of lines.entries()) {
    const answer = await ask(line, { ...more, headers: MINIMAL })
    const seen = [answer.status, await answer.text(), answer.headers.get('etag')]
    assert.equal(seen, [204, '', `"${at + 2}"`], line)
    assert.is(answer.headers.get('preference-applied'), 'return=minimal')
    assert.is(answer.headers.get('content-type'), null)
    if (at === 5) {
      assert.equal((await bodyOf(await ask(`GET /sessions/${id}`))).data, { n: 3, a: 1, b: 1 })
    }
  }
  assert.equal((await bodyOf(await ask(`GET /sessions/${id}`))).data, { a: 1 })
})

test('a session that is created by PUT is 201 with its place, and no body', async () => {
  const { ask } = openBackEnd()
  const answer = await ask('PUT /sessions/an-id-of-my-own-1', { body: '{}', headers: MINIMAL })
  assert.equal([answer.status, await answer.text()], [201, ''])
  assert.is(answer.headers.get('location'), '/sessions/an-id-of-my-own-1')
  assert.is(answer.headers.get('preference-applied'), 'return=minimal')
})

test('a holder who begins a session gets the cookie all the same', async () => {
  const { request } = openBackEnd()
  const answer = await request('PATCH /session', { body: '{"set":{"a":1}}', headers: MINIMAL })
  assert.is(answer.status, 204)
  assert.is(await (await request('GET /session/a', { cookie: cookieOf(answer) })).text(), '1')
})

test('what only this answer tells is never left out: a token, and whom it evicted', async () => {
  const { ask, create } = openBackEnd({ maxSessionsPerSub: 1 })
  const first = await create({ claims: { sub: 'ada' } })
  const posted = await ask('POST /sessions', { body: '{"claims":{"sub":"eve"}}', headers: MINIMAL })
  assert.is(posted.status, 201)
  assert.type((await bodyOf(posted)).token, 'string')

  const visitor = await create()
  const body = '{"claims":{"sub":"ada"}}'
  const named = await ask(`PATCH /sessions/${visitor.id}`, { body, headers: MINIMAL })
  assert.is(named.status, 200)
  const seen = await bodyOf(named)
  assert.equal([typeof seen.token, seen.evicted], ['string', [first.id]])

  const other = await create()
  const own = await ask('PATCH /session', { cookie: other.cookie, body, headers: MINIMAL })
  assert.equal([own.status, (await bodyOf(own)).evicted], [200, [seen.id]])
  const put = await ask('PUT /sessions/an-id-of-my-own-1', { body, headers: MINIMAL })
  assert.is(put.status, 201)
  assert.is((await bodyOf(put)).evicted?.length, 1)
})

test('a refusal keeps its problem', async () => {
  const { ask } = openBackEnd()
  const answer = await ask('DELETE /sessions/an-id-of-no-session/a', { headers: MINIMAL })
  assert.is(await refusalOf(answer), '404 session_not_found')
  assert.is(answer.headers.get('preference-applied'), null)
})

test.run()
