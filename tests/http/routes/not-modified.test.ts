import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openBackEnd } from '../../kit/clients/back-end.ts'
import { MINUTE } from '../../kit/store/limits.ts'
import { type Ask, openServer, sessionOf, signIn } from '../../kit/process/open-server.ts'

const test = suite('not modified')

const READS = ['GET /session', 'HEAD /session', 'GET /session/a', 'HEAD /session/a']

function given(cookie: string, tag: string, headers: Record<string, string> = {}): Ask {
  return { cookie, headers: { ...headers, 'if-none-match': tag } }
}

test('a read of what the caller has is 304 with the headers of a 200 that caches need', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, { a: 1 })
  for (const line of [...READS, 'GET /session/none?default=1']) {
    for (const tag of ['"1"', 'W/"1"', '"0", W/"1"', '*', '"1-gzip"', 'W/"1-br"', '"1--gzip"']) {
      const answer = await request(line, given(cookie, tag))
      assert.is(answer.status, 304, `${line} ${tag}`)
      assert.is(await answer.text(), '')
      const full = await request(line, { cookie })
      for (const name of ['etag', 'vary', 'cache-control']) {
        assert.is(answer.headers.get(name), full.headers.get(name), name)
        assert.ok(answer.headers.get(name))
      }
      assert.is(answer.headers.get('content-type'), null)
    }
  }
})

test('a read of what has changed, or under a header that says nothing, is 200', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, { a: 1 })
  for (const line of READS) {
    for (const tag of ['"0"', '"01"', '"2"', '"1-other"', '""', '1', '', 'W/1', '"1']) {
      assert.is((await request(line, given(cookie, tag))).status, 200, `${line} ${tag}`)
    }
  }
  await request('PUT /session/b', { cookie, body: '1' })
  for (const line of READS) {
    const answer = await request(line, given(cookie, '"1"'))
    assert.equal([answer.status, answer.headers.get('etag')], [200, '"2"'])
  }
})

test('what is missing is told, whatever the caller has', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, { a: 1 })
  for (const tag of ['*', '"1"']) {
    assert.is((await request('GET /session/none', given(cookie, tag))).status, 404)
    assert.is((await request('GET /session', given('', tag))).status, 404)
    assert.is((await request('GET /session/a?default=1', given('', tag))).status, 200)
  }
  await request('DELETE /session', { cookie })
  assert.is((await request('GET /session', given(cookie, '"1"'))).status, 410)
})

test('a 304 is activity, as a 200 is, unless ?touch=false asks for none', async () => {
  const { request, clock } = openServer({ idleTimeoutMs: MINUTE })
  const cookie = await signIn(request, { a: 1 })
  clock.advance(MINUTE - 1)
  assert.is((await request('GET /session/a?touch=false', given(cookie, '"1"'))).status, 304)
  assert.is((await request('GET /session/a', given(cookie, '"1"'))).status, 304)
  clock.advance(MINUTE - 1)
  assert.is((await request('GET /session', given(cookie, '"1"'))).status, 304)
  clock.advance(MINUTE - 1)
  assert.is((await request('GET /session', { cookie })).status, 200)
})

test('a 304 says that data, claims and limits are as they were, and nothing of the times', async () => {
  const { ask, create, request, clock } = openBackEnd()
  const { cookie, id } = await create({ data: { a: 1 }, claims: { sub: 'ada', role: 'user' } })
  const changes = [
    '{"data":{"a":2}}',
    '{"claims":{"role":"admin"}}',
    '{"permanent":true}',
    '{"idleTimeout":600}',
    '{"lifetime":3600}',
  ]
  for (const body of changes) {
    const before = await request('GET /session', { cookie })
    const tag = before.headers.get('etag') ?? ''
    const shown = await sessionOf(before)
    clock.advance(1_000)
    // Times have moved on, and that alone is no other version.
    assert.is((await request('GET /session', given(cookie, tag))).status, 304)
    const later = await request('GET /session', { cookie })
    assert.is(later.headers.get('etag'), tag)
    const seen = await sessionOf(later)
    assert.ok(seen.lastSeenAt > shown.lastSeenAt)
    assert.equal(
      { ...seen, lastSeenAt: '', expiresAt: '' },
      { ...shown, lastSeenAt: '', expiresAt: '' },
    )

    assert.is((await ask(`PATCH /sessions/${id}`, { body })).status, 200, body)
    for (const line of READS) {
      assert.is((await request(line, given(cookie, tag))).status, 200, `${line} ${body}`)
    }
  }
})

test('a tag belongs to one session: of another one it tells nothing, and answers vary by cookie', async () => {
  const { request } = openServer()
  const ada = await signIn(request, { a: 1 })
  const bob = await signIn(request, { a: 2 })
  const [of, other] = await Promise.all(
    [ada, bob].map((cookie) => request('GET /session/a', { cookie })),
  )
  assert.is(of?.headers.get('etag'), other?.headers.get('etag'))
  assert.not.equal(await of?.text(), await other?.text())
  const unchanged = await request('GET /session/a', given(bob, of?.headers.get('etag') ?? ''))
  assert.is(unchanged.status, 304)
  assert.match(unchanged.headers.get('vary') ?? '', /^Cookie,/)
})

test('a bare value and its JSON have tags of their own', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, { a: 'x' })
  const accept = { accept: 'text/plain' }
  for (const [line, headers] of [
    ['GET /session/a', accept],
    ['GET /session/a?as=text', {}],
    ['GET /session?as=text', {}],
  ] as const) {
    const tag = (await request(line, { cookie, headers })).headers.get('etag') ?? ''
    assert.is(tag, '"1-text"', line)
    assert.is((await request(line, given(cookie, tag, headers))).status, 304)
    assert.is((await request(line, given(cookie, 'W/"1-text-gzip"', headers))).status, 304)
    assert.is((await request(line, given(cookie, '"1"', headers))).status, 200)
  }
  assert.is((await request('GET /session/a', given(cookie, '"1-text"'))).status, 200)
})

test('every answer varies with what its form depends on: cookie, key and accepted types', async () => {
  const { ask, request, create } = openBackEnd()
  const { cookie, id } = await create({ data: { a: 1 } })
  for (const answer of [
    await request('GET /session', { cookie }),
    await ask('GET /session', { cookie }),
    await request('GET /session/a', { cookie, headers: { accept: 'text/plain' } }),
    await request('GET /session/a', given(cookie, '"1"')),
    await ask(`GET /sessions/${id}`),
    await request('GET /session'),
    await request('GET /cookies/a', { cookie: 'a=1' }),
  ]) {
    assert.is(answer.headers.get('vary'), 'Cookie, Authorization, Session-Token, Accept')
  }
})

test('a back end reads a session that it names with 304, too', async () => {
  const { ask, create } = openBackEnd()
  const { id } = await create({ data: { a: 1 } })
  for (const line of [`GET /sessions/${id}`, `GET /sessions/${id}/a`]) {
    assert.is((await ask(line, { headers: { 'if-none-match': 'W/"1"' } })).status, 304)
  }
})

test('/verify answers with the session, whatever the page asks of its own', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, { a: 1 })
  for (const tag of ['"1"', '*', 'W/"1"', 'x']) {
    const answer = await request('GET /verify', given(cookie, tag))
    assert.is(answer.status, 200)
    assert.equal((await sessionOf(answer)).data, { a: 1 })
  }
})

test.run()
