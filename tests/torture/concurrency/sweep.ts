/**
 * Very many sessions that expire at one moment, under a steady load: none of them is served after
 * it, neither anybody else nor the event loop waits for the sweep, and the space that it frees is used
 * again.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import {
  getUser,
  openLoadConnection,
  percentile,
  startPacedLoad,
} from '../../kit/clients/load-client.ts'
import { cookieOf, fillFile } from '../../bench/data/filled-file.ts'
import { openClient } from '../../kit/clients/http-client.ts'
import { watchLoop } from '../engine/server/loop-delay.ts'
import type { Random } from '../engine/random.ts'
import type { Finding, Given, Torture } from '../torture.ts'

type Scale = {
  readonly sessions: number
  /** From the start of the filling to the expiry, so that the server is up and warm by then. */
  readonly leadMs: number
  readonly p99LimitMs: number
  /** For the event loop, p99 as well. */
  readonly loopLimitMs: number
  /** By then all must be gone. */
  readonly sweepLimitMs: number
}

type Dying = {
  readonly sessions: number
  readonly random: Random
  readonly expiresAt: number
  readonly deadline: number
  readonly allGone: () => boolean
}

const PER_SECOND = 500
const DATA_BYTES = 300
/** A run of half a minute or more is the promise; a shorter one shares its machine with other tests. */
const LONG_MS = 30_000
const LONG: Scale = {
  sessions: 1_000_000,
  leadMs: 45_000,
  p99LimitMs: 20,
  loopLimitMs: 25,
  sweepLimitMs: 240_000,
}
const SHORT: Scale = {
  sessions: 30_000,
  leadMs: 5_000,
  p99LimitMs: 500,
  loopLimitMs: 500,
  sweepLimitMs: 8_000,
}
/** What may come on top of the pages that were freed: tombstones, which are kept, and the log's. */
const GROWTH_SHARE = 0.05
/** And the events of the ends, which are kept; a row of the feed, and its share of a page. */
const EVENT_BYTES = 60
const PAGE_BYTES = 4_096

export const sweepTorture: Torture = {
  about: 'a great many sessions that expire at once, to be served late or to hold up others',
  breakages: {
    'live for longer': { seam: 'expiry', by: 'return now < expiresAt(session) + 1_000' },
    'never swept': {
      seam: 'sweep-due',
      by: '`select ${SESSION_COLUMNS} from sessions where sweep_at <= ? and 0 order by sweep_at limit ?`,',
    },
    'on the main thread': {
      seam: 'sweep',
      // Of a moment before the wait, so that nothing is gone before others have waited.
      by: `const swept = await store.sweep(
  ((now) => {
    const until = performance.now() + 3_000
    while (performance.now() < until);
    return now
  })(clock.now()),
)`,
    },
  },
  run,
}

async function run(given: Given): Promise<Finding> {
  const isLong = given.endsAt - performance.now() >= LONG_MS
  const scale = isLong ? LONG : SHORT
  for (let leadMs = scale.leadMs; ; leadMs *= 2) {
    const finding = await sweepUnderLoad(given, { ...scale, leadMs })
    if (finding !== undefined) return finding
  }
}

/** Undefined where the server was not up in time, and so nothing has been seen. */
async function sweepUnderLoad(
  { folder, random, spawn }: Given,
  { sessions, leadMs, p99LimitMs, loopLimitMs, sweepLimitMs }: Scale,
): Promise<Finding | undefined> {
  const violations: string[] = []
  const path = join(folder, `sessions-${leadMs}.db`)
  const expiresAt = Date.now() + leadMs
  fillFile({ path, count: sessions, dataBytes: DATA_BYTES, expiresAt, spreadMs: 0 })
  const loop = watchLoop(join(folder, 'loop-delays'))
  const args = ['--data', path, '--sweep-interval', '1s', '--keep-ended', '0']
  const server = await spawn(args, loop?.under)
  const port = Number(new URL(server.url).port)
  const client = openClient(server.url)
  const { cookie } = await client.ask('PUT /session/user', { body: '"ada"' })
  const load = { port, connections: 4, request: getUser(cookie) }
  const pagesBefore = pagesOf(path)

  // Only what is measured from shortly before the expiry on counts: the start is not the sweep.
  const measuredFrom = expiresAt - 500
  if (Date.now() > measuredFrom) {
    client.close()
    server.kill('SIGTERM')
    await server.ended
    return undefined
  }
  await sleep(measuredFrom - Date.now())
  await loop?.measure(server)
  const others = startPacedLoad({ ...load, perSecond: PER_SECOND })
  const asked = await askForTheDead(port, {
    sessions,
    random,
    expiresAt,
    deadline: expiresAt + sweepLimitMs,
    allGone: () => sessionsIn(path) <= 1,
  })
  const delay = await loop?.measure(server)
  const times = await others.stop()
  const sweptMs = Date.now() - expiresAt
  if (asked.late > 0) violations.push(`${asked.late} sessions were served after their time`)
  if (sessionsIn(path) > 1) violations.push(`${sessionsIn(path)} sessions were never swept`)
  const p99 = percentile(times, 0.99)
  if (!(p99 <= p99LimitMs)) violations.push(`p99 of the others was ${p99} ms, over ${p99LimitMs}`)
  if (delay !== undefined && !(delay.p99 <= loopLimitMs)) {
    violations.push(`p99 of the event loop's delay was ${delay.p99} ms, over ${loopLimitMs}`)
  }

  client.close()
  server.kill('SIGTERM')
  await server.ended
  const pagesAfter = violations.length === 0 ? refill(path, sessions) : pagesOf(path)
  const eventPages = (sessions * EVENT_BYTES) / PAGE_BYTES
  const growth = (pagesAfter - pagesBefore - eventPages) / pagesBefore
  if (growth > GROWTH_SHARE) {
    violations.push(`the file grew from ${pagesBefore} to ${pagesAfter} pages`)
  }
  return {
    violations,
    figures: {
      expired: sessions,
      'asked for after it': asked.dead,
      'served late': asked.late,
      'ms until swept': sweptMs,
      others: times.length,
      'ms at p50': Number(percentile(times, 0.5).toFixed(2)),
      'ms at p99': Number(p99.toFixed(2)),
      'ms at most': Number(percentile(times, 1).toFixed(2)),
      ...(delay && { 'ms of loop delay at p99': delay.p99, 'ms of it at most': delay.max }),
      'pages before': pagesBefore,
      'pages after as many more': pagesAfter,
    },
  }
}

/**
 * Asks for one after the other, of which all are dead from `expiresAt` on, until all are gone. The
 * machine's clock is the server's: what was sent at the moment or later may not be served.
 */
async function askForTheDead(
  port: number,
  { sessions, random, expiresAt, deadline, allGone }: Dying,
): Promise<{ dead: number; late: number }> {
  const connection = await openLoadConnection(port)
  const counts = { dead: 0, late: 0 }
  let looksAt = 0
  while (Date.now() < deadline) {
    // Half of those asked for are few, so that they are hot when they die.
    const n = random.below(random.oneIn(2) ? sessions : 50)
    const isDead = Date.now() >= expiresAt
    const status = await connection.ask(
      `GET /session/user?touch=false HTTP/1.1\r\nHost: localhost\r\nCookie: ${cookieOf(n)}\r\n\r\n`,
    )
    if (isDead) counts.dead++
    if (isDead && status === 200) counts.late++
    await sleep(1)
    if (Date.now() < expiresAt || Date.now() < looksAt) continue
    looksAt = Date.now() + 500
    if (allGone()) break
  }
  connection.close()
  return counts
}

/** How many sessions, dead or alive, are in the file. */
function sessionsIn(path: string): number {
  return reading(path, (database) => {
    return Number(database.prepare('select count(*) from sessions').pluck().get())
  })
}

function pagesOf(path: string): number {
  return reading(path, (database) => Number(database.pragma('page_count', { simple: true })))
}

function reading<T>(path: string, read: (database: Database.Database) => T): T {
  const database = new Database(path, { readonly: true })
  try {
    return read(database)
  } finally {
    database.close()
  }
}

/** As many sessions more; answers the pages that there are then. */
function refill(path: string, count: number): number {
  const times = { expiresAt: Date.now() + 86_400_000, spreadMs: 0 }
  fillFile({ path, count, dataBytes: DATA_BYTES, ...times })
  return pagesOf(path)
}
