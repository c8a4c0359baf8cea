import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createConfig, lintFromString } from '@redocly/openapi-core'
import { SHOWN_ID } from '../../lib/http/api-examples.ts'
import { OPERATIONS, type Row } from '../../lib/http/api.ts'
import { renderOpenApi } from '../../lib/http/openapi.ts'
import { openBackEnd } from '../kit/clients/back-end.ts'
import { DOCUMENT } from '../kit/answers/document.ts'
import { API_KEY, openServer } from '../kit/process/open-server.ts'

const test = suite('openapi')

test('the document is served to anybody, and not again to who has it', async () => {
  const { request } = openServer({ hasTestClock: true })
  const answer = await request('GET /openapi.json')
  assert.is(answer.status, 200)
  assert.is(answer.headers.get('content-type'), 'application/json')
  assert.is(answer.headers.get('cache-control'), 'no-cache')
  assert.equal(await answer.json(), JSON.parse(renderOpenApi()))
  const tag = answer.headers.get('etag') ?? ''
  const again = await request('GET /openapi.json', { headers: { 'if-none-match': tag } })
  assert.is(again.status, 304)
  assert.is(
    (await request('GET /openapi.json', { headers: { 'if-none-match': '"x"' } })).status,
    200,
  )
  assert.is((await request('HEAD /openapi.json')).status, 200)
  assert.is((await request('POST /openapi.json')).status, 405)
})

test('each row is an operation of the document, and each operation a row', () => {
  const rows = OPERATIONS.flatMap(({ id, method }) => {
    if (method === 'GET') return [id, `${id}ByHead`]
    if (method !== 'ALL') return [id]
    return [
      id,
      ...['Head', 'Post', 'Put', 'Patch', 'Delete', 'Options'].map((by) => `${id}By${by}`),
    ]
  })
  const operations = Object.values(DOCUMENT.paths).flatMap((item) =>
    Object.values(item).map(({ operationId }) => operationId),
  )
  assert.equal(operations.toSorted(), rows.toSorted())
})

test('the linter of OpenAPI has nothing to say', async () => {
  const config = await createConfig({ extends: ['recommended'] })
  const problems = await lintFromString({ source: renderOpenApi(), absoluteRef: 'a.json', config })
  assert.equal(
    problems.map(({ ruleId, message }) => `${ruleId}: ${message}`),
    [],
  )
})

test('the linter notices what a document lacks', async () => {
  const config = await createConfig({ extends: ['recommended'] })
  const source = renderOpenApi().replaceAll('"operationId":"getSession"', '"operationId":"getKey"')
  const problems = await lintFromString({ source, absoluteRef: 'a.json', config })
  assert.ok(problems.some(({ ruleId }) => ruleId === 'operation-operationId-unique'))
})

for (const row of OPERATIONS) {
  test(`the example of ${row.id} works, and its answer is the one that is shown`, async () => {
    const { request, create, store } = openBackEnd({ hasTestClock: true })
    const { id, cookie } = await create({
      data: { user: 'ada', visits: 1, cart: ['tea'] },
      claims: { sub: 'ada' },
    })
    const { path, body, status, answer: shown } = row.example
    const method = row.method === 'ALL' ? 'GET' : row.method
    Object.assign(store, { health: healthy })
    const answer = await request(`${method} ${path.replace(SHOWN_ID, id)}`, {
      ...(row.who === 'back_end' ? { key: API_KEY } : { cookie: `${cookie}; theme=dark` }),
      ...(body === undefined ? {} : { body }),
      ...(row.id === 'getFrontPage' ? { headers: { accept: 'text/html' } } : {}),
    })
    assert.is(answer.status, status)
    if (shown === undefined) return
    assert.equal(settled(await answer.json(), row), settled(JSON.parse(shown), row))
  })
}

test.run()

function healthy() {
  return { state: 'ok', writes: 'all', reasons: [], figures: { walBytes: 0 } }
}

const CHANGING = [
  ...[
    'id',
    'createdAt',
    'lastSeenAt',
    'expiresAt',
    'lifetimeEndsAt',
    'since',
    'now',
    'device',
    'token',
    'setCookie',
    ...['at', 'session', 'next'],
  ],
]

/** What differs from one run to the next is there, whatever it is. */
function settled(value: unknown, row: Row): unknown {
  if (Array.isArray(value)) return value.map((item) => settled(item, row))
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      CHANGING.includes(name) ? typeof member : settled(member, row),
    ]),
  )
}
