/**
 * SIGTERM under load, again and again on one file: no request in flight fails, the exit code is 0,
 * and nothing is left beside the file.
 *
 * In flight is a request that the client's kernel had taken all of before the signal was sent: it
 * must be answered, and not by a refusal. One that goes out later may find the door closed: its
 * connection ends without an answer, and the client may ask again elsewhere, so it must have done
 * nothing.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openConnection, type RawConnection } from '../../kit/clients/raw-http.ts'
import { readFileStates, type Stored } from '../engine/model/file-states.ts'
import { short } from '../engine/model/read-back.ts'
import { createSessionClient, type SessionClient } from '../engine/clients/session-client.ts'
import type { Given, Torture } from '../torture.ts'

export const stop: Torture = {
  about: 'stops the server under load, and looks for requests that failed',
  breakages: {
    'cuts-connections': { seam: 'stop-closes-idle', by: 'server.closeAllConnections()' },
    'reader-closes-last': { seam: 'writer-closes-last', by: 'await store.close()' },
  },
  run,
}

const CLIENTS = 8
const LONGEST_LOAD_MS = 200
const LONGEST_STOP_MS = 10_000

async function run(given: Given) {
  const { random, endsAt, folder } = given
  const data = join(folder, 'sessions.db')
  const figures = { stops: 0, acknowledged: 0, 'in flight': 0, 'came late': 0, 'slowest ms': 0 }
  const violations: string[] = []
  let clients: readonly SessionClient[] = []

  while (performance.now() < endsAt && violations.length === 0) {
    const server = await given.spawn(['--data', data])
    if (clients.length === 0) {
      const key = readFileSync(`${data}.api-key`, 'utf8').trim()
      clients = Array.from({ length: CLIENTS }, (_, n) =>
        createSessionClient({ name: `client-${n}`, key, random: random.fork() }),
      )
    }
    const pairs = clients.map((client) => ({ client, connection: openConnection(server.url) }))
    const loads = pairs.map(({ client, connection }) => load(client, connection))
    await new Promise((resolve) => setTimeout(resolve, random.below(LONGEST_LOAD_MS)))
    const stoppedAt = performance.now()
    const inFlight = pairs.map(({ connection }) => connection.isWaiting())
    server.kill('SIGTERM')

    const heard = await Promise.all(loads)
    const { code, stderr } = await server.ended
    const tookMs = Math.round(performance.now() - stoppedAt)
    const place = `stop ${++figures.stops}`
    figures['slowest ms'] = Math.max(figures['slowest ms'], tookMs)
    heard.forEach(({ acknowledged, last, refused, lastSentAt }, n) => {
      figures.acknowledged += acknowledged
      violations.push(...refused.map((words) => `${place}: ${words}`))
      const wasInFlight = inFlight[n] === true && lastSentAt <= stoppedAt
      if (inFlight[n] === true) figures['in flight']++
      if (wasInFlight) violations.push(`${place}: ${last} was in flight, and got no answer`)
      else figures['came late']++
    })
    if (code !== 0) violations.push(`${place}: the exit code is ${code}: ${stderr}`)
    if (tookMs > LONGEST_STOP_MS) violations.push(`${place}: it took ${tookMs} ms`)
    for (const name of [`${data}-wal`, `${data}-shm`]) {
      if (existsSync(name)) violations.push(`${place}: ${name} is left`)
    }
    const { corrupt, stored } = readFileStates(data)
    violations.push(
      ...[...corrupt, ...compare(clients, stored)].map((words) => `${place}: ${words}`),
    )
  }
  return { violations, figures }
}

/** Until the connection is closed, and no other can be made. */
async function load(client: SessionClient, connection: RawConnection) {
  const refused: string[] = []
  let acknowledged = 0
  for (;;) {
    const lastSentAt = performance.now()
    const { outcome, heard, line } = await client.step(connection)
    if (outcome === 'acknowledged') acknowledged++
    else if (heard === 'closed') return { acknowledged, last: line, refused, lastSentAt }
    else refused.push(`${line} was answered ${heard}`)
  }
}

/** What had no answer has done nothing, and no session is there that nobody was told of. */
function compare(clients: readonly SessionClient[], stored: ReadonlyMap<string, Stored>): string[] {
  const found: string[] = []
  let expected = 0
  for (const { known, doubtful, settle } of clients) {
    for (const [id, [before]] of doubtful) settle(id, before)
    expected += known.size
    for (const [id, state] of known) {
      const now = stored.get(id)?.state ?? 'nothing'
      if (now !== state) found.push(`${id} is ${short(now)}, must be ${short(state)}`)
    }
  }
  if (stored.size !== expected) {
    found.push(`${stored.size} sessions are there, ${expected} were acknowledged`)
  }
  return found
}
