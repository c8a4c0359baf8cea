import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { bodyOf, endingOf, jsonPatch, openBackEnd, rowsOf } from '../../kit/clients/back-end.ts'
import { type Ask, problemOf, refusalOf } from '../../kit/process/open-server.ts'

const test = suite('holder access')

type Line = readonly [line: string, ask?: Ask]

const READS: readonly Line[] = [
  ['GET /session'],
  ['GET /session?touch=false'],
  ['HEAD /session'],
  ['GET /session/a'],
  ['HEAD /session/a'],
  ['GET /session/none?default=1'],
]
const WRITES: readonly Line[] = [
  ['PUT /session/a', { body: '2' }],
  ['PUT /session/b', { body: '2', headers: { 'if-none-match': '*' } }],
  ['PATCH /session/a', { body: '{"increment":1}' }],
  ['DELETE /session/a?default=0'],
  ['PATCH /session', { body: '{"data":{"a":2}}' }],
  ['PATCH /session', { body: '{"permanent":true}' }],
  ['PATCH /session', jsonPatch([{ op: 'replace', path: '/data/a', value: 2 }])],
  ['POST /session/clear'],
  ['POST /session/renew'],
]
const LOG_OUT: Line = ['DELETE /session']

async function openHolder(holderAccess: 'read-write' | 'read' | 'none') {
  const server = openBackEnd({ holderAccess })
  const { cookie, token, id } = await server.create({ data: { a: 1 }, claims: { sub: 'ada' } })
  return { ...server, cookie, token, id }
}

test('with read the holder reads and logs out; every other write is 403 and does nothing', async () => {
  const { request, cookie, token, ...server } = await openHolder('read')
  const before = rowsOf(server)
  for (const [line, ask] of WRITES) {
    for (const shown of [{ cookie }, { bearer: `Bearer ${token}` }]) {
      const headers = { ...ask?.headers, ...('bearer' in shown && { authorization: shown.bearer }) }
      const own = 'cookie' in shown ? { cookie: shown.cookie } : {}
      const answer = await request(line, { ...ask, ...own, headers })
      assert.is(answer.headers.get('set-cookie'), null, line)
      const { status, code, detail } = await problemOf(answer)
      assert.equal([status, code], [403, 'holder_access_denied'], line)
      assert.match(detail, '(--holder-access)')
    }
  }
  assert.equal(rowsOf(server), before)
  for (const [line] of READS) assert.is((await request(line, { cookie })).status, 200, line)
  assert.is((await request(LOG_OUT[0], { cookie })).status, 204)
  assert.is(await endingOf(await request('GET /session', { cookie })), '410 session_ended logout')
})

test('with none the holder can do nothing on /session, and is told nothing of it', async () => {
  const { request, cookie, ...server } = await openHolder('none')
  const before = rowsOf(server)
  const told = new Set<string>()
  for (const [line, ask] of [...READS, ...WRITES, LOG_OUT]) {
    for (const shown of [cookie, '', 'sid=unknown']) {
      const answer = await request(line, { ...ask, cookie: shown })
      const headers = ['etag', 'set-cookie'].map((name) => answer.headers.get(name))
      assert.equal([answer.status, ...headers], [403, null, null], line)
      if (!line.startsWith('HEAD')) told.add(await answer.text())
    }
  }
  assert.is(told.size, 1)
  assert.match([...told][0] ?? '', '"code":"holder_access_denied"')
  assert.equal(rowsOf(server), before)
})

test('a holder without a session cannot create one', async () => {
  for (const access of ['read', 'none'] as const) {
    const server = openBackEnd({ holderAccess: access })
    for (const [line, ask] of WRITES) {
      for (const cookie of ['', 'sid=unknown']) {
        const answer = await server.request(line, { ...ask, cookie })
        assert.is(answer.headers.get('set-cookie'), null)
        assert.is(await refusalOf(answer), '403 holder_access_denied', `${access} ${line}`)
      }
    }
    assert.equal(rowsOf(server), [])
  }
})

test('no header, parameter or spelling of the path gives a holder more access', async () => {
  for (const access of ['read', 'none'] as const) {
    const { request, cookie, ...server } = await openHolder(access)
    const before = rowsOf(server)
    const body = '2'
    for (const [line, ask] of [
      ['PUT /session/a', { body, headers: { 'x-http-method-override': 'GET' } }],
      ['PUT /session/a', { body, headers: { 'x-forwarded-for': '127.0.0.1' } }],
      ['PUT /session/a', { body, headers: { authorization: 'Basic YTpi' } }],
      ['PUT /session/a?holderAccess=read-write', { body }],
      ['PUT /session/a', { body, peer: '127.0.0.1' }],
      ['DELETE /session/'],
      ['DELETE /session/%2Fsession'],
      ['DELETE //session'],
      ['PUT /%73ession/a', { body }],
      ['PUT /Session/a', { body }],
      ['PUT /session//a', { body }],
      ['PUT /cookies/sid', { body: '{"value":"x"}' }],
      ['GETX /session/a'],
    ] as readonly Line[]) {
      const { status } = await request(line, { cookie, ...ask })
      assert.ok(status >= 400 && status < 500, `${access} ${line} is ${status}`)
    }
    assert.equal(rowsOf(server), before)
  }
})

test('with the key everything works, on /session beside the cookie and on /sessions/:id', async () => {
  for (const access of ['read', 'none'] as const) {
    for (const [line, more] of [...READS, ...WRITES, LOG_OUT]) {
      const { ask, cookie } = await openHolder(access)
      const onOwn = await ask(line, { ...more, cookie })
      assert.ok(onOwn.ok, `${access} ${line} is ${onOwn.status}`)
      const named = await openHolder(access)
      const onNamed = await named.ask(line.replace('/session', `/sessions/${named.id}`), more)
      assert.ok(onNamed.ok, `${access} ${line} by its id is ${onNamed.status}`)
    }
  }
})

test('a wrong key is 401 whatever the holder may do', async () => {
  for (const access of ['read-write', 'read', 'none'] as const) {
    const { request, cookie } = await openHolder(access)
    for (const [line, ask] of [...READS, ...WRITES, LOG_OUT].slice(0, 8)) {
      const answer = await request(line, { ...ask, cookie, key: `ck_${'w'.repeat(43)}` })
      assert.is(answer.status, 401, `${access} ${line}`)
    }
  }
})

test('/verify and /cookies are open at every access', async () => {
  for (const access of ['read-write', 'read', 'none'] as const) {
    const { request, cookie } = await openHolder(access)
    const verified = await request('GET /verify', { cookie })
    assert.equal([verified.status, verified.headers.get('session-sub')], [200, 'ada'])
    assert.is((await request('PUT /cookies/theme', { body: '{"value":"dark"}' })).status, 204)
  }
})

test('a read of a holder who may read counts as activity', async () => {
  const { ask, request, cookie, id, clock } = await openHolder('read')
  clock.advance(60_000)
  await request('GET /session/a', { cookie })
  const { lastSeenAt } = await bodyOf(await ask(`GET /sessions/${id}?touch=false`))
  assert.is(Date.parse(lastSeenAt), clock.now())
})

test('with read-write the holder writes all but claims', async () => {
  for (const [line, ask] of [...READS, ...WRITES, LOG_OUT]) {
    const { request, cookie } = await openHolder('read-write')
    assert.ok((await request(line, { ...ask, cookie })).ok, line)
  }
  const { request, cookie } = await openHolder('read-write')
  const answer = await request('PATCH /session', { cookie, body: '{"claims":{}}' })
  assert.is(await refusalOf(answer), '403 claims_read_only')
})

test.run()
