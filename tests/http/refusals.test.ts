/** Each refusal of each operation, as the table lists them: every one can be had, and is had here. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CoatcheckError, type ErrorCode } from '../../lib/base/errors.ts'
import { SHOWN_ID } from '../../lib/http/api-examples.ts'
import { ANY_REQUEST } from '../../lib/http/api-parts.ts'
import { OPERATIONS, type Row } from '../../lib/http/api.ts'
import type { ProblemCode } from '../../lib/http/answer/problem.ts'
import { openBackEnd } from '../kit/clients/back-end.ts'
import { API_KEY, type Ask, codeOf, type ServerOptions } from '../kit/process/open-server.ts'

const test = suite('refusals')

const LIMITS: ServerOptions = {
  bodyLimitBytes: 4_000,
  sessionLimitBytes: 1_000,
  keyLimitBytes: 20,
  maxKeys: 5,
  maxDepth: 5,
}

type Given = { line: string; ask: Ask }
type Opened = Awaited<ReturnType<typeof openFor>>
/** Changes what the row asks for, or the server, so that the row refuses. */
type Provoke = (given: Given, row: Row, server: Opened) => Given | Promise<Given>

const DEEP = `${'['.repeat(20)}${']'.repeat(20)}`
const MANY = JSON.stringify(Object.fromEntries(Array.from({ length: 6 }, (_, n) => [`k${n}`, n])))
const LONG_KEY = 'k'.repeat(21)
const LONG_TEXT = 'x'.repeat(2_000)

const PROVOKE: Partial<Record<ProblemCode, Provoke>> = {
  session_not_found: ({ line, ask }, { who }) =>
    who === 'holder'
      ? { line: withoutQuery(line), ask: { ...withoutCookie(ask), key: API_KEY } }
      : { line: line.replace(/\/sessions\/[^/?]+/, '/sessions/an-id-of-no-session'), ask },
  session_ended: async ({ line, ask }, { who }, { store, clock, id }) => {
    await store.end(id, clock.now(), 'revoked')
    const path = withoutQuery(line).replace(/\/sessions\/[^/]+/, `/sessions/${id}`)
    return { line: path, ask: who === 'holder' ? { ...ask, key: API_KEY } : ask }
  },
  precondition_failed: (given) => withHeaders(given, { 'if-match': '"999"' }),
  outcome_unknown: failing('outcome_unknown'),
  storage_full: failing('storage_full'),
  body_too_large: (given) => withBody(given, JSON.stringify('x'.repeat(5_000))),
  invalid_json: (given, row) => withJson(given, row, '{'),
  invalid_utf8: (given) => withBody(given, Uint8Array.of(0x22, 0xff, 0x22)),
  too_deep: (given, row) => withJson(given, row, DEEP),
  invalid_key: (given, row) =>
    row.path.endsWith(':key')
      ? { ...given, line: given.line.replace(/\/[^/?]+(\?|$)/, `/${LONG_KEY}$1`) }
      : withData(given, row, `{"${LONG_KEY}":1}`),
  too_many_keys: async (given, row, { fill }) => {
    if (!row.path.endsWith(':key')) return withData(given, row, MANY)
    await fill()
    const line = given.line.replace(/\/[^/?]+$/, '/another')
    return row.method === 'PATCH'
      ? withBody({ ...given, line }, '{"append":1}')
      : { ...given, line }
  },
  session_too_large: (given, row) => {
    if (!row.path.endsWith(':key')) return withData(given, row, `{"a":"${LONG_TEXT}"}`)
    return row.method === 'PATCH'
      ? withBody(
          { ...given, line: given.line.replace(/\/[^/]+$/, '/cart') },
          `{"append":"${LONG_TEXT}"}`,
        )
      : withBody(given, `"${LONG_TEXT}"`)
  },
  invalid_argument: (given, { id }) =>
    withBody(given, id === 'putSession' ? '[]' : '{"value":1,"nonsense":1}'),
  create_rate_exceeded: async (given, _, { request }) => {
    await request('PUT /session/a', { body: '1' })
    return { ...given, ask: withoutCookie(given.ask) }
  },
  invalid_patch: (given) => withPatch(given, '[{"op":"nonsense","path":"/data/a"}]'),
  test_failed: (given) => withPatch(given, '[{"op":"test","path":"/data/user","value":"eve"}]'),
  invalid_claims: (given) => ({
    ...withBody(given, '{"claims":{"sub":1}}'),
    ask: { ...given.ask, key: API_KEY, body: '{"claims":{"sub":1}}' },
  }),
  claims_read_only: (given) => withBody(given, '{"claims":{"sub":"ada"}}'),
  too_many_sessions: async (given, _, { create }) => {
    for (let n = 0; n < 2; n++) await create({ claims: { sub: 'grace' } })
    return { ...given, ask: { ...given.ask, key: API_KEY, body: '{"claims":{"sub":"grace"}}' } }
  },
  wrong_type: (given, row) =>
    row.path.endsWith(':key')
      ? withBody({ ...given, line: given.line.replace(/\/[^/]+$/, '/user') }, '{"increment":1}')
      : withBody(given, '{"increment":{"user":1}}'),
  number_too_large: async (given, row, { set }) => {
    await set('visits', '1e400')
    if (!row.path.endsWith(':key')) return withBody(given, '{"increment":{"visits":1}}')
    const line = given.line.replace(/\/[^/]+$/, '/visits')
    return withBody({ ...given, line }, '{"increment":1}')
  },
  key_not_found: ({ line, ask }) => ({ line: line.replace(/\/[^/]+$/, '/nothing'), ask }),
  invalid_cookie: (given) => ({
    line: given.line.replace('/theme', '/__Host-theme'),
    ask: {
      ...given.ask,
      body: given.line.startsWith('PUT')
        ? '{"value":"a","domain":"a.example"}'
        : '{"domain":"a.example"}',
    },
  }),
  cookie_not_found: ({ line, ask }) => ({ line, ask: withoutCookie(ask) }),
  session_required: ({ line }) => ({ line, ask: {} }),
  route_not_found: ({ line }) => ({ line, ask: {} }),
  events_forgotten: ({ line, ask }) => ({ line: line.replace('after=0', 'after=1-nobody'), ask }),
  // By the server's setting.
  events_not_kept: (given) => given,
}

for (const row of OPERATIONS) {
  for (const code of row.errors) {
    test(`${row.id}: ${code}`, async () => {
      const server = await openFor(row, code)
      const given = await PROVOKE[code]?.(server.given, row, server)
      assert.ok(given !== undefined, `nothing here provokes ${code}`)
      const answer = await server.request(given.line, given.ask)
      assert.is(await codeOf(answer), code)
    })
  }
}

for (const code of ['storage_busy', 'storage_damaged', 'storage_failed', 'internal'] as const) {
  test(`any request: ${code}`, async () => {
    assert.ok(ANY_REQUEST.includes(code))
    const server = openBackEnd()
    breakStore(server.store, code)
    assert.is(await codeOf(await server.ask('GET /sessions/an-id-of-no-session')), code)
  })
}

test('health is 503 once nothing can be written any more', async () => {
  const { request, store } = openBackEnd()
  const health = { state: 'failed', writes: 'none', reasons: ['failed'], figures: { walBytes: 0 } }
  Object.assign(store, { health: () => health })
  assert.is((await request('GET /healthz')).status, 503)
})

test.run()

/** A server with the session of the examples, and the row's example for it. */
async function openFor(row: Row, code: ProblemCode) {
  const server = openBackEnd({
    ...LIMITS,
    hasTestClock: true,
    ...(code === 'create_rate_exceeded' && { createRate: 1 }),
    ...(code === 'events_not_kept' && { feed: { maxEvents: 0 } }),
    ...(code === 'too_many_sessions' && { maxSessionsPerSub: 2, onSessionLimit: 'refuse' }),
  })
  const { request, ask, store, clock } = server
  // Its one session of this minute is for the request before the refused one.
  const { id, cookie } =
    code === 'create_rate_exceeded'
      ? { id: SHOWN_ID, cookie: '' }
      : await server.create({
          data: { user: 'ada', visits: 1, cart: ['tea'] },
          claims: { sub: 'ada' },
        })
  const { body } = row.example
  const method = row.method === 'ALL' ? 'GET' : row.method
  return {
    ...{ request, ask, store, clock, id },
    create: server.create,
    set: (key: string, value: string) => ask(`PUT /sessions/${id}/${key}`, { body: value }),
    async fill() {
      for (const key of ['a', 'b']) await ask(`PUT /sessions/${id}/${key}`, { body: '1' })
    },
    given: {
      line: `${method} ${row.example.path.replace(SHOWN_ID, id)}`,
      ask: {
        ...(row.who === 'back_end' ? { key: API_KEY } : { cookie: `${cookie}; theme=dark` }),
        ...(body === undefined ? {} : { body }),
      },
    },
  }
}

function failing(code: ErrorCode): Provoke {
  return (given, _, { store }) => {
    breakWrites(store, code)
    return given
  }
}

function breakWrites(store: object, code: ErrorCode): void {
  const fail = () => Promise.reject(new CoatcheckError(code, 'as the test wants it'))
  Object.assign(store, { insert: fail, change: fail, end: fail, endMany: fail })
}

function breakStore(store: object, code: ErrorCode): void {
  const error =
    code === 'internal' ? new Error('as the test wants it') : new CoatcheckError(code, 'so')
  Object.assign(store, { find: () => Promise.reject(error) })
}

function withHeaders({ line, ask }: Given, headers: Record<string, string>): Given {
  return { line, ask: { ...ask, headers } }
}

function withBody({ line, ask }: Given, body: NonNullable<Ask['body']>): Given {
  return { line, ask: { ...ask, body } }
}

function withPatch({ line, ask }: Given, body: string): Given {
  return { line, ask: { ...ask, body, headers: { 'content-type': 'application/json-patch+json' } } }
}

/** JSON as the body, or, of an operation without one, as what stands in for a missing value. */
function withJson(given: Given, row: Row, json: string): Given {
  if (row.body !== undefined) return withBody(given, json)
  return { ...given, line: `${withoutQuery(given.line)}?default=${encodeURIComponent(json)}` }
}

function withData(given: Given, { id }: Row, data: string): Given {
  return withBody(given, id === 'putSession' ? data : `{"data":${data}}`)
}

function withoutCookie({ cookie: _, ...others }: Ask): Ask {
  return others
}

/** `?default=` would stand in for what is refused. */
function withoutQuery(line: string): string {
  return line.split('?', 1)[0] ?? ''
}
