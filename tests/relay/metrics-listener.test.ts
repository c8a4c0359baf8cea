import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { systemClock } from '../../lib/base/clock.ts'
import { startMetricsListener } from '../../lib/relay/metrics-listener.ts'
import { createRelayCounts } from '../../lib/relay/relay-counts.ts'

const test = suite('metrics of a relay')

test('there is GET /metrics and nothing else', async () => {
  const listener = await listen()
  for (const [method, path, status] of [
    ['GET', '/', 404],
    ['GET', '/metrics/x', 404],
    ['POST', '/metrics', 405],
    ['DELETE', '/metrics', 405],
    ['HEAD', '/metrics', 200],
    ['GET', '/metrics?x=1', 200],
  ] as const) {
    const answer = await fetch(listener.url + path, { method })
    assert.is(answer.status, status, `${method} ${path}`)
    if (status === 405) assert.is(answer.headers.get('allow'), 'GET, HEAD')
  }
  listener.close()
})

test('it is Prometheus text, or OpenMetrics for who asks for it', async () => {
  const listener = await listen()
  const text = await fetch(`${listener.url}/metrics`)
  assert.match(text.headers.get('content-type') ?? '', 'text/plain; version=0.0.4')
  assert.match(await text.text(), '\ncoatcheck_relay_delivered_total 0\n')
  const open = await fetch(`${listener.url}/metrics`, {
    headers: { accept: 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5' },
  })
  assert.match(open.headers.get('content-type') ?? '', 'application/openmetrics-text')
  assert.match(await open.text(), /# EOF\n$/)
  listener.close()
})

test('an address that is taken is refused with the flag that gives another', async () => {
  const listener = await listen()
  const port = Number(new URL(listener.url).port)
  const refusal = await startMetricsListener({ host: '127.0.0.1', port }, () => []).catch(String)
  assert.match(String(refusal), `Cannot listen on 127.0.0.1:${port}: EADDRINUSE`)
  assert.match(String(refusal), '--metrics-listen')
  listener.close()
})

test.run()

function listen() {
  const counts = createRelayCounts(systemClock)
  return startMetricsListener({ host: '127.0.0.1', port: 0 }, counts.families)
}
