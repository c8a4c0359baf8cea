/**
 * More work than there is a core for: what is too much is told so at once, what is taken is answered
 * in bounded time and memory, and when it is over the server is as quick as before.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  getUser,
  percentile,
  putUsers,
  startFlood,
  startPacedLoad,
} from '../../kit/clients/load-client.ts'
import { openClient } from '../../kit/clients/http-client.ts'
import type { Finding, Given, Torture } from '../torture.ts'

const MAX_CONNECTIONS = 400
const MAX_PENDING_WRITES = 50
/** More than may connect; and more of them write than may wait. */
const CONNECTIONS = 800
/** The event loop takes one new connection a turn, and a turn is long under a flood. */
const LEAST_FLOOD_MS = 8_000
const P99_LIMIT_MS = 2_000
const MEMORY_LIMIT_BYTES = 400 * 1024 ** 2
const RECOVERY_MS = 1_000
/** Of the second after the next, which is promised to be as before; machines of tests are busy. */
const RECOVERED_P99_MS = 500

export const overloadTorture: Torture = {
  about: 'more work than the server can do, to make it slow, large or wrong',
  breakages: {
    'any number of writes may wait': { seam: 'max-pending', by: 'if (false) {' },
    'any number of connections': { seam: 'max-connections', by: 'if (true) return' },
    'no word of when to come back': { seam: 'retry-after', by: '' },
  },
  run,
}

async function run({ endsAt, folder, spawn }: Given): Promise<Finding> {
  const server = await spawn(
    ['--data', join(folder, 'sessions.db')].concat(
      ['--max-connections', String(MAX_CONNECTIONS)],
      ['--max-pending-writes', String(MAX_PENDING_WRITES)],
    ),
  )
  const port = Number(new URL(server.url).port)
  const client = openClient(server.url)
  const { cookie } = await client.ask('PUT /session/user', { body: '"ada"' })
  const flood = startFlood({
    port,
    connections: CONNECTIONS,
    requests: putUsers(cookie).flatMap((put, n) => (n % 2 === 0 ? [getUser(cookie), put] : [put])),
  })
  // The start of the server and of the flood's thread can take all of the time on a busy machine.
  const floodEndsAt = Math.max(endsAt, performance.now() + LEAST_FLOOD_MS)
  let memory = 0
  do {
    await sleep(200)
    memory = Math.max(memory, residentBytes(server.pid))
  } while (performance.now() < floodEndsAt)
  const flooded = await flood.stop()

  await sleep(RECOVERY_MS)
  const load = startPacedLoad({ port, connections: 2, perSecond: 200, request: getUser(cookie) })
  await sleep(1_000)
  const recovered = await load.stop().then(
    (times) => percentile(times, 0.99),
    () => Infinity,
  )
  client.close()

  const violations = flooded.others.slice(0, 3).map((head) => `an answer was ${head}`)
  const { accepted, shed, shedWithoutRetry, shedConnections, p50, p99 } = flooded
  const check = (holds: boolean, otherwise: string) => {
    if (!holds) violations.push(otherwise)
  }
  check(accepted > 0, 'nothing was accepted')
  check(shedConnections > 0, `no connection was refused, with a limit of ${MAX_CONNECTIONS}`)
  check(shed > shedConnections, `no write was refused, with a limit of ${MAX_PENDING_WRITES}`)
  check(shedWithoutRetry === 0, `${shedWithoutRetry} refusals came without Retry-After`)
  check(p99 <= P99_LIMIT_MS, `p99 of what was accepted was ${p99} ms, over ${P99_LIMIT_MS}`)
  check(memory <= MEMORY_LIMIT_BYTES, `the server took ${memory} bytes of memory`)
  check(recovered <= RECOVERED_P99_MS, `a second after it p99 was ${recovered} ms`)
  return {
    violations,
    figures: {
      accepted,
      'connections refused': shedConnections,
      'requests refused': shed - shedConnections,
      'ms at p50': Number(p50.toFixed(1)),
      'ms at p99': Number(p99.toFixed(1)),
      MiB: Math.round(memory / 1024 ** 2),
      'ms at p99 after it': Number(recovered.toFixed(1)),
    },
  }
}

function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024
}
