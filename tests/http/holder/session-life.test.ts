import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DAY, HOUR, MINUTE } from '../../kit/store/limits.ts'
import {
  cookieOf,
  openServer,
  problemOf,
  refusalOf,
  type Request,
  sessionOf,
  signIn,
} from '../../kit/process/open-server.ts'

const test = suite('life of a session')

const UNKNOWN = `${'u'.repeat(21)}.${'s'.repeat(43)}`
const WRITES = [
  ['PUT /session/a', '1'],
  ['PATCH /session/a', '{"append":1}'],
  ['PATCH /session', '{"data":{"a":1}}'],
] as const

test('reads without a session answer 404, set no cookie and leave no row', async () => {
  const { request, countRows } = openCounted()
  const reads = ['GET /session', 'HEAD /session', 'GET /session/a', 'HEAD /session/a']
  for (const line of [...reads, 'GET /session/a?touch=false', 'DELETE /session/a']) {
    for (const cookie of ['', 'sid=', 'sid=x', `sid=${UNKNOWN}`]) {
      const answer = await request(line, { cookie })
      assert.is(answer.status, 404, `${line} ${cookie}`)
      assert.is(answer.headers.get('set-cookie'), null)
    }
  }
  assert.equal(countRows(), [0, 0])
})

test('unknown and wrong tokens get one same answer, malformed ones another, as a cookie and as a bearer', async () => {
  const { request } = openServer()
  const [, id = '', secret = ''] = /=(.+)\.(.+)$/.exec(await signIn(request, { a: 1 })) ?? []
  const answerTo = async (cookie: string) =>
    await (await request('GET /session', { cookie })).text()
  const unknown = await answerTo(`sid=${UNKNOWN}`)
  const malformed = await answerTo('sid=x')
  assert.not.equal(unknown, malformed)
  const other = secret.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'))
  const tokens = [
    ...[
      UNKNOWN,
      'x',
      '.',
      `${id}.`,
      `.${secret}`,
      `${id}-${secret}`,
      id,
      secret,
      `${id}${secret}`,
      `${secret}.${id}`,
    ],
    ...[`${id}.${other}`, `${id}.${secret}A`, `${id}.${secret.slice(1)}`, `${id}.${secret}.`],
    ...[
      `${id}.${secret.toLowerCase()}`,
      `${'-'.repeat(21)}.${secret}`,
      `${id}.%41${secret.slice(1)}`,
    ],
  ]
  for (const token of tokens) {
    const headers = { authorization: `Bearer ${token}` }
    for (const ask of [{ cookie: `sid=${token}` }, { headers }]) {
      const answer = await request('GET /session', ask)
      const expected = token.length === 65 && token[21] === '.' ? unknown : malformed
      assert.equal([answer.status, await answer.text()], [404, expected], token)
    }
  }
})

test('a token of the right shape that nobody minted is never adopted', async () => {
  for (const [line, body] of WRITES) {
    const { request, database } = openServer()
    const answer = await request(line, { cookie: `sid=${UNKNOWN}`, body })
    assert.ok(answer.ok)
    assert.match(cookieOf(answer), /^sid=[\w-]{21}\.[\w-]{43}$/)
    const ids = database.prepare('select id from sessions').pluck().all()
    assert.is(ids.length, 1)
    assert.is.not(ids[0], 'u'.repeat(21))
    const again = await request('GET /session', { cookie: `sid=${UNKNOWN}` })
    assert.is(await refusalOf(again), '404 session_not_found')
  }
})

test('the id of a live session with a wrong secret opens nothing and harms nothing', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, { a: 'ada' })
  const foreign = cookie.replace(/\..+/, `.${'s'.repeat(43)}`)
  for (const line of ['DELETE /session', 'POST /session/renew', 'POST /session/clear']) {
    assert.is(await refusalOf(await request(line, { cookie: foreign })), '404 session_not_found')
  }
  const written = await request('PUT /session/a', { cookie: foreign, body: '"eve"' })
  assert.is.not(cookieOf(written).slice(0, 25), cookie.slice(0, 25))
  assert.is(await (await request('GET /session/a', { cookie })).text(), '"ada"')
})

test('the first write of each kind creates the session and sets its cookie', async () => {
  for (const [line, body] of WRITES) {
    const { request, countRows } = openCounted()
    const answer = await request(line, { body })
    assert.ok(answer.ok, line)
    const cookies = answer.headers.getSetCookie()
    assert.is(cookies.length, 1)
    assert.match(cookies[0] ?? '', /^sid=[\w-]{21}\.[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/)
    assert.is(answer.headers.get('etag'), '"1"')
    assert.equal(countRows(), [1, 0])
    assert.is((await request('GET /session', { cookie: cookieOf(answer) })).status, 200)
  }
})

test('a write that is refused creates no session', async () => {
  const { request, countRows } = openCounted()
  for (const [line, body] of [
    ['PUT /session/a', 'ada'],
    ['PATCH /session/a', '{"increment":"1"}'],
    ['PATCH /session', '{"permanent":1}'],
  ] as const) {
    const answer = await request(line, { body })
    assert.is(answer.headers.get('set-cookie'), null)
    assert.not.ok(answer.ok)
  }
  assert.equal(countRows(), [0, 0])
})

test('a session is dead in the very millisecond in which its idle timeout has passed', async () => {
  const { request, clock } = openServer({ idleTimeoutMs: MINUTE })
  const cookie = await signIn(request, { user: 'ada' })
  clock.advance(MINUTE - 1)
  assert.is((await request('GET /session/user', { cookie })).status, 200)
  clock.advance(MINUTE)
  const ended = await request('GET /session/user', { cookie })
  assert.is(ended.status, 410)
  const { code, reason, endedAt } = await problemOf(ended)
  assert.equal(
    [code, reason, endedAt],
    ['session_ended', 'idle_timeout', '2026-01-01T00:01:59.999Z'],
  )
})

test('a session is dead in the very millisecond in which its lifetime is over, however busy', async () => {
  const { request, clock } = openServer({ idleTimeoutMs: MINUTE, lifetimeMs: 3 * MINUTE })
  const cookie = await signIn(request, { hits: 0 })
  for (let seconds = 0; seconds < 150; seconds += 30) {
    clock.advance(MINUTE / 2)
    await request('PATCH /session/hits', { cookie, body: '{"increment":1}' })
  }
  clock.advance(MINUTE / 2 - 1)
  const { expiresAt, lifetimeEndsAt } = await sessionOf(await request('GET /session', { cookie }))
  assert.equal([expiresAt, lifetimeEndsAt], Array(2).fill('2026-01-01T00:03:00.000Z'))
  clock.advance(1)
  const { reason, endedAt } = await problemOf(await request('GET /session', { cookie }))
  assert.equal([reason, endedAt], ['lifetime', '2026-01-01T00:03:00.000Z'])
})

test('every use but a read with ?touch=false or ?default= extends the idle timeout', async () => {
  for (const [line, body, extends_] of [
    ['GET /session', undefined, true],
    ['HEAD /session', undefined, true],
    ['GET /session/a', undefined, true],
    ['GET /session/a?touch=true', undefined, true],
    ['GET /session/none?default=1', undefined, true],
    ['PUT /session/a', '2', true],
    ['PATCH /session/a', '{"increment":1}', true],
    ['PATCH /session', '{}', true],
    ['DELETE /session/a', undefined, true],
    ['POST /session/clear', undefined, true],
    ['GET /session?touch=false', undefined, false],
    ['HEAD /session?touch=false', undefined, false],
    ['GET /session/a?touch=false', undefined, false],
    ['GET /session/none?default=1&touch=false', undefined, false],
  ] as const) {
    const { request, clock } = openServer({ idleTimeoutMs: MINUTE })
    const cookie = await signIn(request, { a: 1 })
    clock.advance(MINUTE - 1)
    const answer = await request(line, body === undefined ? { cookie } : { cookie, body })
    assert.is(answer.status < 300, true, line)
    clock.advance(1)
    const { status } = await request('GET /session', { cookie })
    assert.is(status, extends_ ? 200 : 410, line)
  }
})

test('?touch=false shows the session as it is, unextended', async () => {
  const { request, clock } = openServer()
  const cookie = await signIn(request, {})
  clock.advance(MINUTE)
  const quiet = await sessionOf(await request('GET /session?touch=false', { cookie }))
  assert.is(quiet.lastSeenAt, '2026-01-01T00:00:00.000Z')
  assert.is(quiet.expiresAt, '2026-01-01T00:30:00.000Z')
  const seen = await sessionOf(await request('GET /session', { cookie }))
  assert.is(seen.lastSeenAt, '2026-01-01T00:01:00.000Z')
})

test('a pop that is answered with its default is activity, as a read is', async () => {
  const { request, clock } = openServer()
  const cookie = await signIn(request, {})
  clock.advance(MINUTE)
  assert.is((await request('DELETE /session/flash?default=null', { cookie })).status, 200)
  const shown = await sessionOf(await request('GET /session?touch=false', { cookie }))
  assert.is(shown.lastSeenAt, '2026-01-01T00:01:00.000Z')
})

test('a permanent session has the longer pair of limits, and loses it with the flag', async () => {
  const permanent = { idleTimeoutMs: 2 * DAY, lifetimeMs: 3 * DAY }
  const { request, clock } = openServer({ idleTimeoutMs: MINUTE, lifetimeMs: DAY, permanent })
  const cookie = cookieOf(await request('PATCH /session', { body: '{"permanent":true}' }))
  clock.advance(2 * DAY - 1)
  const seen = await sessionOf(await request('GET /session', { cookie }))
  assert.is(seen.expiresAt, '2026-01-04T00:00:00.000Z')
  clock.advance(DAY + 1)
  assert.is((await problemOf(await request('GET /session', { cookie }))).reason, 'lifetime')

  const other = cookieOf(await request('PATCH /session', { body: '{"permanent":true}' }))
  clock.advance(2 * DAY)
  assert.is(
    (await problemOf(await request('GET /session', { cookie: other }))).reason,
    'idle_timeout',
  )

  const third = cookieOf(await request('PATCH /session', { body: '{"permanent":true}' }))
  await request('PATCH /session', { cookie: third, body: '{"permanent":false}' })
  clock.advance(MINUTE)
  assert.is((await request('GET /session', { cookie: third })).status, 410)
})

test('DELETE /session ends the session and takes its cookie back, attributes and all', async () => {
  const { request, countRows } = openCounted()
  const cookie = await signIn(request, { user: 'ada' })
  const answer = await request('DELETE /session', { cookie })
  assert.equal([answer.status, await answer.text()], [204, ''])
  assert.equal(answer.headers.getSetCookie(), [
    'sid=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; HttpOnly; SameSite=Lax',
  ])
  assert.equal(countRows(), [0, 1])
  for (const line of [
    'GET /session',
    'GET /session/user',
    'POST /session/clear',
    'DELETE /session',
  ]) {
    const ended = await request(line, { cookie })
    assert.is(ended.status, 410, line)
    const { code, reason, endedAt } = await problemOf(ended)
    assert.equal([code, reason], ['session_ended', 'logout'])
    assert.is(endedAt, '2026-01-01T00:00:00.000Z')
  }
})

test('a log-out raced by writes leaves the session dead', async () => {
  const { request } = openServer()
  const cookie = await signIn(request, { n: 0 })
  const write = () => request('PATCH /session/n', { cookie, body: '{"increment":1}' })
  const race = [write(), write(), request('DELETE /session', { cookie }), write(), write()]
  const answers = await Promise.all(race)
  assert.equal(
    answers.map(({ status }) => status),
    [200, 200, 204, 200, 200],
  )
  assert.is((await request('GET /session', { cookie })).status, 410)
  for (const late of answers.slice(3)) {
    assert.is.not(cookieOf(late).slice(0, 25), cookie.slice(0, 25))
    assert.is(await late.text(), '1')
  }
})

test('an ended session is 410 to its right secret only, and for as long as it is remembered', async () => {
  for (const end of ['DELETE /session', 'idle']) {
    const { request, clock } = openServer({ idleTimeoutMs: MINUTE, keepEndedMs: HOUR })
    const cookie = await signIn(request, {})
    if (end === 'idle') clock.advance(MINUTE)
    else await request(end, { cookie })
    const foreign = cookie.replace(/\..+/, `.${'s'.repeat(43)}`)
    assert.is((await request('GET /session', { cookie: foreign })).status, 404)
    clock.advance(HOUR - 1)
    assert.is((await request('GET /session', { cookie })).status, 410, end)
    clock.advance(1)
    assert.is((await request('GET /session', { cookie })).status, 404, end)
  }
})

test('with --keep-ended 0 an ended session is forgotten at once', async () => {
  const { request } = openServer({ keepEndedMs: 0 })
  const cookie = await signIn(request, {})
  await request('DELETE /session', { cookie })
  assert.is(await refusalOf(await request('GET /session', { cookie })), '404 session_not_found')
})

test('a bearer token opens its session, and counts before the cookie', async () => {
  const { request } = openServer()
  const [ada, bob] = [
    await signIn(request, { user: 'ada' }),
    await signIn(request, { user: 'bob' }),
  ]
  const read = async (authorization: string, cookie = '') =>
    (await request('GET /session/user', { cookie, headers: { authorization } })).text()

  for (const scheme of ['Bearer', 'bearer', 'BEARER', 'Bearer ']) {
    assert.is(await read(`${scheme} ${ada.slice(4)}`), '"ada"', scheme)
  }
  assert.is(await read(`Bearer ${ada.slice(4)}`, bob), '"ada"')
  assert.match(await read(`Bearer ${UNKNOWN}`, bob), 'session_not_found')
  assert.is(await read('Basic YTpi', bob), '"bob"')
})

test('the secret is in no row and no line of the log, whatever happens to the session', async () => {
  const { request, database, logged, store } = openServer()
  const cookies = [await signIn(request, { user: 'ada' }), await signIn(request, { user: 'bob' })]
  cookies.push(cookieOf(await request('POST /session/renew', { cookie: cookies[0] ?? '' })))
  await request('DELETE /session', { cookie: cookies[1] ?? '' })
  await request('GET /session', { headers: { authorization: `Bearer ${cookies[2]?.slice(4)}` } })
  store.find = async () => {
    throw new Error(`Cannot find ${cookies[2]}`)
  }
  const failed = await (await request('GET /session', { cookie: cookies[2] ?? '' })).text()

  const tables = database
    .prepare('select name from sqlite_schema where type = ?')
    .pluck()
    .all('table')
  const rows = tables.flatMap((table) => database.prepare(`select * from "${table}"`).all())
  const everything = JSON.stringify([rows, logged, failed])
  assert.match(everything, '"ada')
  assert.is(logged.length, 1)
  for (const cookie of cookies) {
    const [id = '', secret = ''] = cookie.slice(4).split('.')
    assert.match(everything, id)
    assert.is(secret.length, 43)
    assert.not.match(everything, secret)
  }
})

test.run()

/** Counts the sessions and the tombstones in the database. */
function openCounted(): { request: Request; countRows: () => unknown[] } {
  const { request, database } = openServer()
  const count = database.prepare(
    'select (select count(*) from sessions), (select count(*) from tombstones)',
  )
  return { request, countRows: () => Object.values(count.get() as object) }
}
