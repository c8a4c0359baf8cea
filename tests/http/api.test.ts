import { METHODS } from 'node:http'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CodedError } from '../../lib/base/errors.ts'
import { renderProblem } from '../../lib/http/answer/problem.ts'
import { rowOf } from '../../lib/settings/settings-table.ts'
import { OPERATIONS, type Row } from '../../lib/http/api.ts'
import { ANY_REQUEST, refusalsOf } from '../../lib/http/api-parts.ts'
import { API_KEY, codeOf, openServer, sessionOf } from '../kit/process/open-server.ts'

const test = suite('api')

/** What stands in front of the routes, or beside them: no operations. */
const NO_OPERATIONS = [
  'requireSameOrigin /sessions/*',
  'requireBackEnd /sessions/*',
  'requireSameOrigin /events/*',
  'requireBackEnd /events/*',
  'requireSameOrigin /active/*',
  'requireBackEnd /active/*',
  'requireSameOrigin /metrics/*',
  'requireBackEnd /metrics/*',
  'requireSameOrigin /cookies/*',
  'answerPages /docs/*',
  'answerPages /dashboard/*',
  'refuseEmptyKey /session/',
  'refuseEmptyKey /sessions/:id/',
]

test('a route that is no row of the table is found', () => {
  const { app } = openServer({ hasTestClock: true })
  app.get('/stray', () => new Response())
  assert.equal(strayRoutes(app.routes), ['GET /stray'])
})

test('every route is a row of the table', () => {
  assert.equal(strayRoutes(openServer({ hasTestClock: true }).app.routes), [])
})

test('every row of the table is a route', async () => {
  for (const row of OPERATIONS) {
    const answer = await ask(row, { key: API_KEY, headers: { accept: 'text/html' } })
    const code = answer.ok ? '' : await codeOf(answer)
    assert.not.ok(['route_not_found', 'method_not_allowed'].includes(code), `${row.id}: ${code}`)
  }
})

test('every other method of a path is 405, with the methods of its rows in Allow', async () => {
  const { request } = openServer({ hasTestClock: true })
  for (const path of new Set(OPERATIONS.map(({ path }) => path))) {
    // `renew` is a key, too: its other methods are those of keys.
    const rows = OPERATIONS.filter((row) => row.path === path || isActionOf(path, row.path))
    const served = rows.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
    if (path === '/' || served.includes('ALL')) continue
    for (const method of METHODS.filter((one) => !served.includes(one) && one !== 'CONNECT')) {
      // Refused by the web's Request before it is sent.
      if (method === 'TRACE' || method === 'TRACK') continue
      const answer = await request(`${method} ${urlOf(path)}`, { key: API_KEY })
      assert.is(answer.status, 405, `${method} ${path}`)
      const allow = answer.headers.get('allow')?.split(', ')
      assert.equal(allow?.toSorted(), served.toSorted(), `${method} ${path}`)
    }
  }
})

test('a row is for back ends alone where its caller says so', async () => {
  for (const row of OPERATIONS) {
    const answer = await ask(row, {})
    const isRefused = answer.status === 401 && (await codeOf(answer)) === 'api_key_required'
    assert.is(isRefused, row.who === 'back_end', row.id)
  }
})

test('a page of another origin is refused where the row says so', async () => {
  for (const row of OPERATIONS) {
    const answer = await ask(row, { key: API_KEY, headers: { 'sec-fetch-site': 'cross-site' } })
    const isRefused = answer.status === 403 && (await codeOf(answer)) === 'cross_origin'
    assert.is(isRefused, refusalsOf(row).includes('cross_origin'), row.id)
  }
})

test('every refusal of a row is one, named once, and not one of any request', () => {
  for (const row of OPERATIONS) {
    const codes = refusalsOf(row)
    assert.equal([...new Set(codes)], codes, row.id)
    assert.equal(
      codes.filter((code) => ANY_REQUEST.includes(code)),
      [],
      row.id,
    )
    for (const code of codes) {
      assert.ok(renderProblem(new CodedError(code, '')).status >= 400, `${row.id}: ${code}`)
    }
  }
})

test('a row that only some servers have says so', () => {
  const some = OPERATIONS.filter(({ onlyWith }) => onlyWith !== undefined)
  assert.equal(
    some.map(({ id }) => id),
    ['getClock', 'advanceClock'],
  )
  for (const { onlyWith, summary } of some) {
    assert.match(summary, `Only with \`${rowOf(onlyWith ?? 'host').flag}\``)
  }
})

test('a fixed segment beside a parameter takes the app to the slow router', async () => {
  const { app, request } = openServer({ hasTestClock: true })
  app.get('/sessions/active', () => new Response())
  await request('GET /session/user')
  assert.is(app.router.name, 'SmartRouter + TrieRouter')
})

test('the app stays on the fast one of its routers', async () => {
  const { app, request } = openServer({ hasTestClock: true })
  for (const { path } of OPERATIONS) await request(`GET ${urlOf(path)}`)
  for (const path of [
    '/docs',
    '/docs/',
    '/docs/api',
    '/docs/start.md',
    '/dashboard',
    '/dashboard/a',
  ])
    await request(`GET ${path}`)
  assert.is(app.router.name, 'SmartRouter + RegExpRouter')
})

test.run()

type AppRoute = {
  readonly method: string
  readonly path: string
  readonly handler: { readonly name: string }
}

function strayRoutes(routes: readonly AppRoute[]): string[] {
  const rows = OPERATIONS.map(({ method, path }) => `${method} ${path}`)
  return routes
    .filter(({ path, handler }) => !NO_OPERATIONS.includes(`${handler.name} ${path}`))
    .filter(({ handler }) => handler.name !== 'refuseMethod')
    .filter(({ method, path, handler }) => {
      if (handler.name !== 'act') return !rows.includes(`${method} ${path}`)
      return !OPERATIONS.some((row) => row.method === method && isActionOf(row.path, path))
    })
    .map(({ method, path }) => `${method} ${path}`)
}

/** Whether `/session/renew` is a key's place, `/session/:key`. */
function isActionOf(action: string, path: string): boolean {
  return path.endsWith('/:key') && action === path.replace(/:key$/, action.replace(/.*\//, ''))
}

/** A path that the operation may have; no session has this id. */
function urlOf(path: string): string {
  return path
    .replace(':id', 'an-id-of-no-session')
    .replace(':key', 'user')
    .replace(':name', 'theme')
    .replace('/*', '')
}

/**
 * Sends what the row asks for to a server of its own; to `/sessions/:id` of a session that is
 * there.
 */
async function ask(row: Row, given: Parameters<ReturnType<typeof openServer>['request']>[1]) {
  const { request } = openServer({ hasTestClock: true })
  const created = await request('POST /sessions', { key: API_KEY })
  const { id } = await sessionOf(created)
  const method = row.method === 'ALL' ? 'GET' : row.method
  const path = urlOf(row.path).replace('an-id-of-no-session', id)
  return await request(`${method} ${path}`, given)
}
