/** The numbers are those of what was done: over real sockets, each of them. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { hashSecret } from '../../lib/session/token.ts'
import { listenRaw, rawRequest } from '../kit/clients/raw-http.ts'
import { API_KEY } from '../kit/process/open-server.ts'
import { openBackEnd } from '../kit/clients/back-end.ts'

const test = suite('metrics')

test('each answer is counted once: by its route, its method and its status', async () => {
  const { send, metrics, stop } = await listenRaw()
  for (let n = 0; n < 3; n++) await send(rawRequest('GET /session/user'))
  await send(rawRequest('PUT /session/user', [], '"ada"'))
  await send(rawRequest('GET /sessions'))
  await send(rawRequest('GET /no/such/path'))
  await send(rawRequest('PURGE /session'))
  await send('GET /session HTTP/1.1\r\nConnection: close\r\n\r\n')
  const text = metrics.render('prometheus')
  assert.equal(linesOf(text, 'coatcheck_http_requests_total'), [
    '{route="/session",method="GET",status="400"} 1',
    '{route="/session",method="other",status="405"} 1',
    '{route="/session/{key}",method="GET",status="404"} 3',
    '{route="/session/{key}",method="PUT",status="204"} 1',
    '{route="/sessions",method="GET",status="401"} 1',
    '{route="other",method="GET",status="404"} 1',
  ])
  assert.is(
    valueOf(
      text,
      'coatcheck_http_request_duration_seconds_count{route="/session/{key}",method="GET"}',
    ),
    3,
  )
  assert.equal(
    [
      'session_not_found',
      'api_key_required',
      'route_not_found',
      'method_not_allowed',
      'bad_request',
      'overloaded',
    ].map((code) => valueOf(text, `coatcheck_problems_total{code="${code}"}`)),
    [3, 1, 1, 1, 1, 0],
  )
  await stop()
})

test('what never becomes a request is counted, too', async () => {
  const { send, metrics, stop } = await listenRaw({ headerLimitBytes: 2_000 })
  await send('BREW / HTTP/1.1\r\nHost: a\r\n\r\n')
  await send('nonsense\r\n\r\n')
  await send(rawRequest('GET /session', [`Cookie: a=${'x'.repeat(3_000)}`]))
  const text = metrics.render('prometheus')
  assert.equal(linesOf(text, 'coatcheck_http_refused_total').toSorted(), [
    '{code="bad_request"} 2',
    '{code="header_too_large"} 1',
    '{code="overloaded"} 0',
    '{code="request_timeout"} 0',
  ])
  assert.is(valueOf(text, 'coatcheck_problems_total{code="header_too_large"}'), 1)
  assert.equal(linesOf(text, 'coatcheck_http_requests_total'), [])
  await stop()
})

test('connections are those that are open, and one too many is refused and counted', async () => {
  const { open, send, metrics, stop } = await listenRaw({ maxConnections: 2 })
  const sockets = [await open(), await open()]
  await send(rawRequest('GET /healthz'))
  const text = metrics.render('prometheus')
  assert.is(valueOf(text, 'coatcheck_http_refused_total{code="overloaded"}'), 1)
  assert.ok((valueOf(text, 'coatcheck_http_connections') ?? 0) >= 2)
  for (const socket of sockets) socket.destroy()
  await stop()
  assert.is(valueOf(metrics.render('prometheus'), 'coatcheck_http_connections'), 0)
})

test('sessions are counted as they begin and end', async () => {
  const { request, ask, create, metrics } = openBackEnd()
  const { id, cookie } = await create({ claims: { sub: 'ada' } })
  await create({ claims: { sub: 'ada' } })
  await request('PUT /session/a', { cookie, body: '1' })
  await ask(`POST /sessions/${id}/renew`)
  await ask('DELETE /sessions?sub=ada')
  const text = metrics.render('prometheus')
  assert.equal(
    [
      '',
      '_created_total',
      '_changed_total',
      '_ended_total{reason="renewed"}',
      '_ended_total{reason="revoked"}',
    ].map((name) => valueOf(text, `coatcheck_sessions${name}`)),
    [0, 2, 2, 1, 2],
  )
})

test('they are for who has a key of any scope, and for nobody else', async () => {
  const { request, store, clock } = openBackEnd()
  const key = `ck_${'m'.repeat(43)}`
  const hash = hashSecret(key)
  const createdAt = clock.now()
  await store.keys.add({ hash, name: 'prometheus', scope: 'metrics', createdAt, revokedAt: null })
  assert.is((await request('GET /metrics')).status, 401)
  assert.is((await request('GET /metrics', { peer: '127.0.0.1' })).status, 401)
  assert.is((await request('GET /metrics', { key })).status, 200)
  assert.is((await request('GET /metrics', { key: API_KEY })).status, 200)
  assert.is((await request('HEAD /metrics', { key })).status, 200)
  assert.is((await request('POST /metrics', { key })).status, 405)
  assert.is((await request('GET /sessions', { key })).status, 403)
})

/** What Prometheus 2.42 and 3 send, a browser, curl, and what others may. */
const ACCEPTED: readonly (readonly [accept: string | undefined, isOpen: boolean])[] = [
  [undefined, false],
  ['*/*', false],
  ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', false],
  ['text/plain;version=0.0.4;q=0.5,*/*;q=0.1', false],
  [
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
    true,
  ],
  [
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
    true,
  ],
  ['application/openmetrics-text;q=0.1, text/plain', false],
]

test('the format is the one that the scraper prefers', async () => {
  const { request } = openBackEnd()
  for (const [accept, isOpen] of ACCEPTED) {
    const headers = accept === undefined ? {} : { accept }
    const answer = await request('GET /metrics', { key: API_KEY, headers })
    const type = answer.headers.get('content-type') ?? ''
    assert.is(type.startsWith('application/openmetrics-text; version=1.0.0'), isOpen, accept)
    assert.is((await answer.text()).endsWith('# EOF\n'), isOpen, accept)
  }
})

test('no label has what users bring: no id, user, key or path of theirs', async () => {
  const { request, create, metrics } = openBackEnd()
  const { id, cookie } = await create({ claims: { sub: 'marvin' } })
  await request('PUT /session/secret-key', { cookie, body: '"secret-value"' })
  await request('GET /secret-path?secret-query', {})
  const text = metrics.render('prometheus')
  for (const word of [id, 'marvin', 'secret']) assert.not.match(text, word)
})

test.run()

function linesOf(text: string, name: string): string[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`))
    .map((line) => line.slice(name.length))
}

function valueOf(text: string, series: string): number | undefined {
  const line = text.split('\n').find((one) => one.startsWith(`${series} `))
  return line === undefined ? undefined : Number(line.slice(series.length + 1))
}
