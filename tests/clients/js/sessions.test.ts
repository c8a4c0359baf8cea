import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { askOf } from '../../../lib/clients/js/ask.ts'
import { createClient } from '../../../lib/clients/js/client.ts'
import { createSessions } from '../../../lib/clients/js/sessions.ts'
import { CoatcheckError } from '../../../lib/clients/js/errors.ts'
import { secondaryStorage } from '../../../lib/clients/js/better-auth.ts'
import { session as expressSession } from '../../../lib/clients/js/express.ts'
import { CoatcheckStore } from '../../../lib/clients/js/express-session.ts'
import { session as honoSession } from '../../../lib/clients/js/hono.ts'
import { openClientServer } from '../../kit/clients/client-server.ts'
import { API_KEY } from '../../kit/process/open-server.ts'

const test = suite('client sessions')

test('a session is created, read, changed and ended by its id', async () => {
  const { client, close } = await openClientServer()
  const { sessions } = client
  const made = await sessions.create({
    data: { cart: ['tea'] },
    claims: { sub: 'ada' },
    idleTimeout: 60,
    device: { address: '192.0.2.1' },
  })
  assert.match(made.token, /^[\w-]{21}\.[\w-]{43}$/)
  assert.match(made.setCookie, `sid=${made.token}; `)
  const read = await sessions.get(made.id)
  assert.equal([read?.data, read?.claims.sub], [{ cart: ['tea'] }, 'ada'])
  const changed = await sessions.patch(made.id, {
    set: { lang: null },
    extend: { cart: ['jam'] },
    increment: { visits: 1 },
    in: { prefs: { set: { size: 1 } } },
  })
  assert.equal(changed.data, { cart: ['tea', 'jam'], lang: null, visits: 1, prefs: { size: 1 } })
  assert.ok(await sessions.end(made.id))
  assert.not(await sessions.end(made.id))
  assert.is(await sessions.get(made.id), undefined)
  assert.is(await codeOf(sessions.patch(made.id, { permanent: true })), 'session_ended')
  await close()
})

test('a user that is none is refused by every call that takes one', async () => {
  const { client, close } = await openClientServer()
  const { sessions } = client
  const { id } = await sessions.create({ claims: { sub: 'ada' } })
  for (const bad of [undefined, null, '', 7, {}] as unknown as string[]) {
    const told = String(bad)
    assert.is(await codeOf(sessions.create({ claims: { sub: bad } })), 'invalid_argument', told)
    assert.is(await codeOf(sessions.put('job', { claims: { sub: bad } })), 'invalid_argument', told)
    assert.is(await codeOf(sessions.patch(id, { login: { sub: bad } })), 'invalid_argument', told)
    assert.is(await codeOf(sessions.endAll({ sub: bad })), 'invalid_argument', told)
    // In a merge patch null removes, and a selection may be of all.
    if (bad !== null) {
      const patched = sessions.patch(id, { claims: { sub: bad } })
      assert.is(await codeOf(patched), 'invalid_argument', told)
    }
    if (bad !== undefined) {
      assert.is(await codeOf(sessions.count({ sub: bad })), 'invalid_argument', told)
      assert.is(await codeOf(sessions.count({ app: bad })), 'invalid_argument', told)
      const spared = sessions.endAll({ sub: 'ada', except: bad })
      assert.is(await codeOf(spared), 'invalid_argument', told)
    }
  }
  assert.is(await codeOf(sessions.create({ claims: 'ada' as never })), 'invalid_argument')
  assert.is(await sessions.count(), 1)
  assert.is((await sessions.patch(id, { claims: { sub: null } })).claims.sub, undefined)
  await close()
})

test('a session of an id of ours is put, once if it must be new', async () => {
  const { client, close } = await openClientServer()
  const id = 'job-of-the-23rd-of-november'
  await client.sessions.put(id, { data: { step: 1 } }, { onlyNew: true })
  assert.is(await codeOf(client.sessions.put(id, {}, { onlyNew: true })), 'precondition_failed')
  assert.equal((await client.sessions.put(id, { data: { step: 2 } })).data, { step: 2 })
  for (const any of ['1', 'a/b?c#d', '../healthz', 'größe 1']) {
    await client.sessions.put(any, { data: { any } })
    assert.equal((await client.sessions.get(any))?.data, { any })
    assert.ok(await client.sessions.end(any))
  }
  assert.is(await codeOf(client.sessions.put('A~b', {})), 'invalid_argument')
  await close()
})

test('a session whose end is forgotten at once is put anew, and replaced only while it is there', async () => {
  const { client, close } = await openClientServer()
  const { sessions } = client
  const replace = () => sessions.put('job', { data: { n: 2 } }, { onlyExisting: true })
  assert.is(await codeOf(replace()), 'precondition_failed')
  assert.is((await sessions.put('job', { data: { n: 1 }, keepEnded: 0 })).keepEnded, 0)
  assert.equal((await replace()).data, { n: 2 })
  assert.is((await sessions.patch('job', { keepEnded: 60 })).keepEnded, 60)
  assert.is((await sessions.patch('job', { keepEnded: null })).keepEnded, undefined)
  await sessions.patch('job', { keepEnded: 0 })
  await sessions.end('job')
  assert.is(await codeOf(replace()), 'precondition_failed')
  await sessions.put('job', {})
  const both = sessions.put('job', {}, { onlyNew: true, onlyExisting: true })
  assert.is(await codeOf(both), 'invalid_argument')
  await close()
})

test('lists go over all pages, and counts and ends are those of a user', async () => {
  const { client, close } = await openClientServer()
  const { sessions } = client
  for (let n = 0; n < 7; n++)
    await sessions.create({ data: { n }, claims: { sub: n < 5 ? 'ada' : 'bob' } })
  const found: unknown[] = []
  for await (const { data } of sessions.list({ sub: 'ada', pageSize: 2 })) found.push(data['n'])
  assert.equal(found, [0, 1, 2, 3, 4])
  for await (const { id } of sessions.list()) {
    await sessions.end(id)
    break
  }
  assert.equal([await sessions.count(), await sessions.count({ sub: 'ada' })], [6, 4])
  assert.is(await sessions.endAll({ sub: 'ada' }), 4)
  assert.is(await codeOf(sessions.endAll({ sub: undefined })), 'invalid_argument')
  assert.is(await sessions.endAll({ all: true }), 2)
  await close()
})

test('ends go on while there are more, and stop where the server ends none', async () => {
  const rounds = [
    { ended: 10_000, more: true },
    { ended: 2, more: false },
    { ended: 5, more: true },
    { ended: 0, more: true },
    { ended: 1, more: false },
  ]
  const sessions = createSessions(async () => ({
    status: 200,
    body: JSON.stringify(rounds.shift()),
    closes: false,
    isParallel: false,
    keepAlive: undefined,
    setCookies: [],
    etag: undefined,
    retryAfter: undefined,
  }))
  assert.is(await sessions.endAll({ sub: 'ada' }), 10_002)
  const stuck = await sessions.endAll({ sub: 'ada' }).catch((error: unknown) => error)
  assert.instance(stuck, CoatcheckError)
  assert.is((stuck as CoatcheckError).code, 'ends_incomplete')
  assert.match((stuck as CoatcheckError).message, '5 have ended')
  assert.is(rounds.length, 1)
})

test('nothing that a program passes on can begin a request of its own', async () => {
  const { client, close } = await openClientServer()
  await client.sessions.create()
  const smuggled = '1 HTTP/1.1\r\nHost: a\r\n\r\nDELETE /sessions?all=true'
  for (const pageSize of [smuggled, '1', 1.5, NaN]) {
    const size = pageSize as number
    const pages = client.sessions.list({ pageSize: size })[Symbol.asyncIterator]()
    assert.is(await codeOf(pages.next()), 'invalid_argument', String(pageSize))
  }
  const ask = askOf(client)
  for (const path of ['/sessions?limit=1 HTTP/1.1', '/healthz\r\nX: y', '/é', '']) {
    assert.is(await codeOf((async () => ask('read', 'GET', path, ''))()), 'invalid_argument', path)
  }
  assert.is(await client.sessions.count(), 1)
  await close()
})

test('a read that is no activity does not keep a session', async () => {
  const { client, clock, close } = await openClientServer({ idleTimeoutMs: 60_000 })
  const { id } = await client.sessions.create()
  clock.advance(40_000)
  assert.ok(await client.sessions.get(id, { touch: false }))
  clock.advance(20_000)
  assert.is(await client.sessions.get(id), undefined)
  await close()
})

test('an id that is none, a wrong key and a wrong path are told apart from a session that is not there', async () => {
  const { client, options, close } = await openClientServer()
  for (const id of ['', '\ud800', 'x'.repeat(300)]) {
    assert.is(await codeOf(client.sessions.get(id)), 'invalid_argument', id)
  }
  const stranger = createClient({ ...options, apiKey: 'ck_another-key-of-the-tests' })
  assert.is(await codeOf(stranger.sessions.get('x'.repeat(21))), 'api_key_required')
  const lost = createClient({ ...options, url: `${String(options.url)}/somewhere` })
  assert.is(await codeOf(lost.sessions.get('x'.repeat(21))), 'route_not_found')
  stranger.close()
  lost.close()
  await close()
})

test('the health of the server is told', async () => {
  const { client, close } = await openClientServer()
  assert.is((await client.health()).status, 'ok')
  await close()
})

test('what is forgotten is said, with the way out', () => {
  const told = (make: () => unknown) => {
    try {
      make()
    } catch (error) {
      if (error instanceof CoatcheckError) return `${error.code}: ${error.message}`
      throw error
    }
    return 'nothing'
  }
  const of = (options: object) => told(() => createClient({ apiKey: API_KEY, ...options } as never))
  assert.match(told(createClient as () => unknown), /^invalid_argument: .*createClient\(\{ url: /)
  assert.match(
    told(() => createClient(null as never)),
    /^invalid_argument: .*expected options/,
  )
  assert.match(of({}), /^invalid_argument: .*expected http:\/\/HOST:PORT.*it is missing$/)
  assert.match(of({ url: '' }), /^invalid_argument: .*expected http:\/\/HOST:PORT.*it is empty$/)
  for (const url of ['localhost:7377', '127.0.0.1:7377', 'coatcheck', '/run/coatcheck.sock']) {
    assert.match(
      of({ url }),
      /^invalid_argument: .*does not begin with http:\/\/ or https:\/\/$/,
      url,
    )
  }
  assert.match(of({ url: 'ftp://127.0.0.1' }), 'it has the scheme "ftp:"')
  for (const apiKey of [undefined, null, '', '\n']) {
    assert.match(of({ url: 'http://127.0.0.1:9', apiKey }), 'Cannot use the apiKey: it is missing;')
  }
  const client = createClient({ url: 'http://127.0.0.1:9', apiKey: API_KEY })
  for (const request of [undefined, null, {}, 'sid=1', { headers: null }] as never[]) {
    assert.match(
      told(() => client.visit(request)),
      /^invalid_argument: .*as in visit\(request\)$/,
    )
  }
  for (const adapt of [expressSession, honoSession, secondaryStorage]) {
    assert.match(told(adapt as () => unknown), /^invalid_argument: /)
  }
  assert.match(
    told(() => new CoatcheckStore(undefined as never)),
    /^invalid_argument: /,
  )
})

test('a key may come with the line break of its file, and an answer of somebody else is told as such', async () => {
  const { options, close } = await openClientServer()
  const client = createClient({ ...options, apiKey: ` ${options.apiKey}\n` })
  assert.is(await client.sessions.count(), 0)
  client.close()
  await close()

  const other = createServer((_, response) => response.writeHead(404).end('<h1>Not found'))
  other.listen(0, '127.0.0.1')
  await once(other, 'listening')
  const port = String((other.address() as AddressInfo).port)
  for (const [url, words] of [
    [`http://127.0.0.1:${port}`, 'got status 404 of another server; is the url right'],
    [
      `https://127.0.0.1:${port}`,
      'it speaks no TLS there; is it http:// and not https://?; nothing',
    ],
  ] as const) {
    const lost = createClient({ url, apiKey: API_KEY, connectTimeout: 200 })
    const error = await lost.sessions.count().catch((refused: unknown) => refused)
    assert.match((error as CoatcheckError).message, words)
    lost.close()
  }
  other.closeAllConnections()
  await new Promise((resolve) => other.close(resolve))
})

test('an answer that is no JSON is an error, which tells nothing of what is in it', async () => {
  const broken = createServer((_, response) => response.end('hunter2, which is no JSON'))
  broken.listen(0, '127.0.0.1')
  await once(broken, 'listening')
  const url = `http://127.0.0.1:${(broken.address() as AddressInfo).port}`
  const client = createClient({ url, apiKey: API_KEY })
  const visit = () => client.visit({ headers: { cookie: 'sid=a' } })
  const calls: readonly (readonly [boolean, () => Promise<unknown>])[] = [
    [false, () => visit().get('a')],
    [false, () => client.sessions.get('a')],
    [true, () => visit().pop('a')],
    [true, () => visit().append('a', 1)],
    [true, () => client.sessions.create()],
  ]
  for (const [isWrite, call] of calls) {
    const error = await call().catch((refused: unknown) => refused)
    assert.instance(error, CoatcheckError)
    const { code, outcomeUnknown } = error as CoatcheckError
    assert.equal([code, outcomeUnknown], ['bad_response', isWrite])
    assert.not(inspect(error).includes('hunter2'))
  }
  client.close()
  broken.closeAllConnections()
  await new Promise((resolve) => broken.close(resolve))
})

test('options that cannot work are refused, without the key', () => {
  const good = { url: 'http://127.0.0.1:9', apiKey: API_KEY }
  for (const bad of [{ apiKey: 'ck_short' }, { apiKey: `${API_KEY}\r\nX: 1` }, { maxCalls: 0.5 }]) {
    assert.throws(
      () => createClient({ ...good, ...bad }),
      (error: CoatcheckError) =>
        error.code === 'invalid_argument' &&
        !error.message.includes('ck_s') &&
        !error.message.includes('X:'),
    )
  }
})

test.run()

async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call
    return 'done'
  } catch (error) {
    if (error instanceof CoatcheckError) return error.code
    throw error
  }
}
