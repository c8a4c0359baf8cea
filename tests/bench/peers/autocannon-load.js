// `node autocannon-load.js FILE` puts the load of the file on a server and prints what wrk.lua does.
import { readFileSync } from 'node:fs'
import autocannon from 'autocannon'

const { port, requests, connections, seconds } = JSON.parse(readFileSync(process.argv[2], 'utf8'))
let made = 0
const load = autocannon({
  url: `http://127.0.0.1:${port}`,
  connections,
  duration: seconds,
  timeout: 5,
  // Each connection goes through a share of the requests: together they are all of them.
  setupClient(client) {
    const first = made++ % connections
    client.setRequests(requests.filter((_, at) => at % connections === first % requests.length))
  },
})

// Its own percentiles know whole milliseconds only.
const times = []
load.on('response', (_client, _status, _bytes, ms) => times.push(ms))
const result = await load
times.sort((a, b) => a - b)
const failed = result.non2xx + result.errors + result.timeouts + result.mismatches
const measured = {
  requests: times.length,
  requestsPerSecond: times.length / result.duration,
  p50Us: percentile(50),
  p99Us: percentile(99),
  p999Us: percentile(99.9),
  errors: failed,
}
process.stdout.write(`\nresult ${JSON.stringify(measured)}\n`)

function percentile(share) {
  const index = Math.min(times.length - 1, Math.floor((times.length * share) / 100))
  return Math.round((times[index] ?? 0) * 1000)
}
