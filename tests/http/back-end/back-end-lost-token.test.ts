import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { cookieFor, endingOf, jsonPatch, openBackEnd, rowsOf } from '../../kit/clients/back-end.ts'
import { type Ask, cookieOf, problemOf, signIn } from '../../kit/process/open-server.ts'

const test = suite('a back end whose token opens nothing')

const WRITES: readonly (readonly [line: string, ask: Ask])[] = [
  ['PUT /session', { body: '{"a":2}' }],
  ['PUT /session/a', { body: '2' }],
  ['PUT /session/a?as=text', { body: '2' }],
  ['PUT /session/a', { body: '2', headers: { 'if-none-match': '*' } }],
  ['PUT /session/a', { body: '2', headers: { 'if-match': '"1"' } }],
  ['PATCH /session/a', { body: '{"increment":1}' }],
  ['PATCH /session/b', { body: '{"append":1}' }],
  ['PATCH /session/b', { body: '{"merge":{"c":1}}' }],
  ['PATCH /session', { body: '{"data":{"a":2}}' }],
  ['PATCH /session', { body: '{"permanent":true}' }],
  ['PATCH /session', { body: '{"claims":{"sub":"ada"}}' }],
  ['PATCH /session', { body: '{"claims":{"role":"admin"}}' }],
  ['PATCH /session', { body: '{"lifetime":600}' }],
  ['PATCH /session', jsonPatch([{ op: 'add', path: '/data/a', value: 2 }])],
  ['PATCH /session', jsonPatch([{ op: 'add', path: '/claims/sub', value: 'ada' }])],
  ['DELETE /session/a', {}],
  ['POST /session/clear', {}],
  ['POST /session/renew', {}],
  ['DELETE /session', {}],
]

test('each write is 410 with the reason where the session has ended, and makes none', async () => {
  const server = openBackEnd()
  const { ask, request } = server
  const open = async () => (await server.create({ data: { a: 1 } })).cookie
  const loggedOut = await open()
  await request('DELETE /session', { cookie: loggedOut })
  const renewed = await open()
  await request('POST /session/renew', { cookie: renewed })
  const loggedIn = await open()
  const logIn = await ask('PATCH /session', { cookie: loggedIn, body: '{"claims":{"sub":"ada"}}' })
  assert.is(logIn.status, 200)
  const revoked = await server.create({ claims: { sub: 'bob' } })
  await ask('DELETE /sessions?sub=bob')

  const before = rowsOf(server)
  for (const [cookie, reason] of [
    [loggedOut, 'logout'],
    [renewed, 'renewed'],
    [loggedIn, 'renewed'],
    [revoked.cookie, 'revoked'],
  ] as const) {
    for (const [line, more] of WRITES) {
      const answer = await ask(line, { ...more, cookie })
      assert.is(answer.headers.get('set-cookie'), null)
      assert.is(await endingOf(answer), `410 session_ended ${reason}`, line)
    }
  }
  assert.equal(rowsOf(server), before)
})

test('each write is 404 where the token is unknown, wrong, or none, and makes no session', async () => {
  const server = openBackEnd()
  const { token = '' } = await server.create({ data: { a: 1 } })
  const wrong = `${token.slice(0, -1)}${token.endsWith('x') ? 'y' : 'x'}`
  const before = rowsOf(server)
  for (const cookie of [
    undefined,
    cookieFor(wrong),
    cookieFor(`${'0'.repeat(21)}.${'0'.repeat(43)}`),
    cookieFor('malformed'),
    `${cookieFor(token)}; ${cookieFor(wrong)}`,
  ]) {
    for (const [line, more] of WRITES) {
      const answer = await server.ask(line, { ...more, ...(cookie !== undefined && { cookie }) })
      assert.is(answer.headers.get('set-cookie'), null)
      const { status, code, detail } = await problemOf(answer)
      assert.equal([status, code], [404, 'session_not_found'], line)
      assert.match(detail, /; POST \/sessions creates one$/)
    }
  }
  assert.equal(rowsOf(server), before)
})

test('a write of the same request, after the log-in, does not log the user out', async () => {
  const { ask, request, create } = openBackEnd()
  const { cookie } = await create({ data: { cart: ['tea'] } })
  const answer = await ask('PATCH /session', { cookie, body: '{"claims":{"sub":"ada"}}' })
  const late = await ask('PUT /session/seen', { cookie, body: 'true' })
  assert.is(late.headers.get('set-cookie'), null)
  assert.is(late.status, 410)
  const verified = await request('GET /verify', { cookie: cookieOf(answer) })
  assert.is(verified.headers.get('session-sub'), 'ada')
})

test('to read and to take with a default stays as it is: the default', async () => {
  const { ask, request } = openBackEnd()
  const cookie = await signIn(request, { a: 1 })
  await request('DELETE /session', { cookie })
  for (const line of ['GET /session/a?default=[]', 'DELETE /session/a?default=[]']) {
    for (const from of [{ cookie }, {}]) {
      for (const asking of [ask, request]) {
        assert.is(await (await asking(line, from)).text(), '[]', line)
      }
    }
  }
})

test('to read or take with a token that was renewed is 410 though there is a default: the value is there', async () => {
  const { ask, request } = openBackEnd()
  const cookie = await signIn(request, { flashes: ['hello'] })
  const renewed = cookieOf(await request('POST /session/renew', { cookie }))
  for (const asking of [ask, request]) {
    for (const query of ['?default=[]', '?default=[]&touch=false', '?default="none"&as=text']) {
      for (const method of ['GET', 'DELETE']) {
        const line = `${method} /session/flashes${query}`
        const late = await asking(line, { cookie })
        assert.is(await endingOf(late), '410 session_ended renewed', line)
      }
    }
    assert.is((await asking('HEAD /session/flashes?default=[]', { cookie })).status, 410)
  }
  const taken = await request('DELETE /session/flashes?default=[]', { cookie: renewed })
  assert.is(await taken.text(), '["hello"]')
  // Any other end leaves nothing that the default would hide.
  await request('DELETE /session', { cookie: renewed })
  for (const asking of [ask, request]) {
    for (const method of ['GET', 'DELETE']) {
      const gone = await asking(`${method} /session/flashes?default=[]`, { cookie: renewed })
      assert.equal([gone.status, await gone.text()], [200, '[]'])
    }
  }
})

test.run()
