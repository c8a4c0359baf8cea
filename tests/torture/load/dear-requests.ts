/**
 * A search for requests that cost more than one request may: of every operation, and of all that is read
 * at the door. What the dearest found do to others, many at a time, is looked at then; and whether the
 * server stops in time beside them.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type LoadConnection,
  openLoadConnection,
  percentile,
  putUser,
  requestText,
  startFlood,
} from '../../kit/clients/load-client.ts'
import { openClient } from '../../kit/clients/http-client.ts'
import type { RunningServer } from '../../kit/process/spawn-server.ts'
import { DEAR_KINDS, type DearKind, type Genes } from '../engine/clients/dear-kinds.ts'
import type { Random } from '../engine/random.ts'
import { readThreadUsage, type ThreadUsage } from '../engine/server/thread-usage.ts'
import type { Finding, Given, Torture } from '../torture.ts'

/** Of the writer's CPU, on a machine that is not busy with other things. */
const WRITER_LIMIT_MS = 10
/** Of the main thread's: what it takes whatever comes, and more for what is sent. */
const MAIN_LIMIT_MS = 10
const MAIN_LIMIT_MS_PER_MB = 40
const CONNECTIONS = 30
const P99_LIMIT_MS = 50
/** A run of half a minute or more is the promise; a shorter one shares its machine with other tests. */
const LONG_MS = 30_000
const SHORT_P99_LIMIT_MS = 1_000
const SHORT_STOP_GRACE_MS = 1_000
/** On a machine that is busy a request may take so many times what it takes when it is alone. */
const P99_RATIO = 4
const STOP_TIMEOUT_MS = 4_000
/** On a machine so much slower a stop may have to be cut short. */
const CROWDED = 3
/** Of the time that there is: the rest is for the floods. */
const SEARCH_PART = 0.6

export const dearRequestsTorture: Torture = {
  about: 'searches for requests that cost too much, and sends many of the dearest',
  breakages: {
    'what is done is not counted': { seam: 'work-counted', by: '' },
    'exponents of any length': { seam: 'far-exponents', by: 'const FAR = Infinity' },
    'a stop that takes its time': [
      {
        seam: 'stop-in-time',
        by: `killAfter(1e9, log)
await new Promise((resolve) => setTimeout(resolve, 15_000))
await server.stop(settings.stopTimeoutMs * 3)`,
      },
      { seam: 'stop-takes-time-2', by: '' },
    ],
  },
  run,
}

type Found = {
  readonly name: string
  readonly request: string
  readonly genes: Genes
  readonly cost: ThreadUsage
}

async function run({ random, endsAt, folder, spawn }: Given): Promise<Finding> {
  const began = performance.now()
  const isLong = endsAt - began >= LONG_MS
  const server = await spawn([
    ...['--data', join(folder, 'sessions.db')],
    ...['--stop-timeout', `${STOP_TIMEOUT_MS}ms`],
  ])
  const searchEndsAt = began + (endsAt - began) * SEARCH_PART
  const slowness = measureSlowness()
  const searched = await search(server, random, searchEndsAt, slowness)
  const violations = [...searched.best.values()].flatMap((found) => tellExcess(found, slowness))
  if (violations.length > 0) return { violations, figures: { 'requests tried': searched.tried } }

  const dearest = [...searched.best.values()]
    .toSorted((a, b) => b.cost.writer + b.cost.main - a.cost.writer - a.cost.main)
    .slice(0, 6)
  const beside = await besideFlood(server, dearest, Math.max(500, (endsAt - performance.now()) / 2))
  const limitMs = Math.max(
    P99_LIMIT_MS * 2 * beside.crowding - P99_LIMIT_MS,
    P99_RATIO * beside.calmP99,
    isLong ? 0 : SHORT_P99_LIMIT_MS,
  )
  if (!(beside.p99 <= limitMs)) {
    violations.push(`beside the dearest p99 of a PUT is ${beside.p99} ms, over ${limitMs}`)
  }
  if (beside.answered === 0) violations.push('beside the dearest no PUT is answered but with 503')
  // The signal, and the news of the end, travel through a machine that may be crowded.
  const stopGraceMs = 500 + 100 * beside.crowding + (isLong ? 0 : SHORT_STOP_GRACE_MS)
  if (beside.stopMs > STOP_TIMEOUT_MS + stopGraceMs) {
    violations.push(`beside the dearest a stop takes ${beside.stopMs} ms`)
  } else if (beside.exitCode !== 0 && beside.crowding < CROWDED) {
    violations.push(`beside the dearest a stop ends with ${beside.exitCode}`)
  }
  const most = (which: keyof ThreadUsage) =>
    Math.max(...[...searched.best.values()].map(({ cost }) => Number(cost[which].toFixed(1))))
  return {
    violations,
    figures: {
      'requests tried': searched.tried,
      kinds: searched.best.size,
      'ms of the writer for the dearest': most('writer'),
      'ms of the main thread': most('main'),
      'ms at p99 beside them': Math.round(beside.p99),
      'ms alone': Math.round(beside.calmP99),
      'refused with 503': beside.shed,
      'ms to stop': Math.round(beside.stopMs),
    },
  }
}

/** Climbs from the extremes: each kind's dearest so far is changed at random, and the dearer is kept. */
async function search(server: RunningServer, random: Random, endsAt: number, slowness: number) {
  const port = Number(new URL(server.url).port)
  const client = openClient(server.url)
  const cookies = new Map<string, string>()
  const best = new Map<string, Found>()
  let tried = 0

  async function measure(name: string, kind: DearKind, genes: Genes): Promise<Found> {
    let cookie = cookies.get(name)
    if (cookie === undefined) {
      cookie = (await client.ask('PUT /session/user', { body: '"ada"' })).cookie
      cookies.set(name, cookie)
    }
    const request = kind.request(genes, cookie)
    let cost = { main: Infinity, writer: Infinity }
    // What the compiler and the collector of garbage take now and then is not this request's.
    for (let turn = 0; turn < 3; turn++) {
      await client.ask('POST /session/clear', { cookie })
      if (kind.data !== undefined) {
        await client.ask('PATCH /session', { cookie, body: `{"data":${kind.data(genes)}}` })
      }
      const used = await costOf(server, port, request)
      cost = {
        main: Math.min(cost.main, used.main),
        writer: Math.min(cost.writer, used.writer),
      }
      if (cost.main + cost.writer < 2) break
    }
    tried++
    return { name, request, genes, cost }
  }

  const kinds = Object.entries(DEAR_KINDS)
  for (let round = 0; round === 0 || performance.now() < endsAt; round++) {
    for (const [name, kind] of kinds) {
      if (round > 0 && performance.now() >= endsAt) break
      const before = best.get(name)
      const found = await measure(name, kind, nextGenes(random, kind, before?.genes, round))
      if (before === undefined || weigh(found) > weigh(before)) best.set(name, found)
      // One is enough.
      if (tellExcess(found, slowness).length > 0) return end()
    }
  }
  return end()

  function end() {
    client.close()
    return { best, tried }
  }
}

function weigh({ cost }: Found): number {
  return cost.writer / WRITER_LIMIT_MS + cost.main / (MAIN_LIMIT_MS + MAIN_LIMIT_MS_PER_MB)
}

function nextGenes(random: Random, kind: DearKind, before: Genes = [], round: number): Genes {
  const any = () => random.below(1_001) / 1_000
  const length = kind.genes
  if (round === 0) return kind.start ?? Array.from({ length }, (_, n) => (n < 2 ? 1 : 0))
  if (random.oneIn(3)) return Array.from({ length }, any)
  const turned = random.below(length)
  return before.map((gene, n) => (n === turned ? any() : gene))
}

/** What a request costs by itself: nothing else is asked meanwhile. */
async function costOf(server: RunningServer, port: number, request: string): Promise<ThreadUsage> {
  const connection = await openLoadConnection(port)
  await sleep(5)
  const before = readThreadUsage(server.pid)
  await answerTo(connection, request)
  // For the threads to fall asleep: what they use is counted then.
  await sleep(5)
  const after = readThreadUsage(server.pid)
  connection.close()
  return { main: after.main - before.main, writer: after.writer - before.writer }
}

/** The status; 0 where the connection is closed instead. */
async function answerTo(connection: LoadConnection, request: string): Promise<number> {
  return await connection.ask(request).catch(() => 0)
}

function tellExcess({ name, request, genes, cost }: Found, slowness: number): string[] {
  const mainLimitMs = MAIN_LIMIT_MS + (MAIN_LIMIT_MS_PER_MB * request.length) / 1e6
  const told = `${name} (${genes.join(', ')}; ${request.length} bytes)`
  return [
    ...(cost.writer > WRITER_LIMIT_MS * slowness
      ? [`${told} costs the writer ${cost.writer.toFixed(1)} ms`]
      : []),
    ...(cost.main > mainLimitMs * slowness
      ? [`${told} costs the main thread ${cost.main.toFixed(1)} ms`]
      : []),
  ]
}

async function besideFlood(server: RunningServer, dearest: readonly Found[], forMs: number) {
  const port = Number(new URL(server.url).port)
  const client = openClient(server.url)
  const { cookie } = await client.ask('PUT /session/user', { body: '"ada"' })
  client.close()
  const put = () => putUser(cookie)
  const crowding = measureCrowding()
  const calm = await putFor(port, put, 1_000)
  const requests = dearest.map(({ request }) => request)
  const flood = startFlood({ port, connections: CONNECTIONS, requests })
  await sleep(200)
  const busy = await putFor(port, put, forMs)
  // Somebody who never ends his request is there, too.
  const hanging = await openLoadConnection(port)
  const unfinished = requestText('PUT /session/user', cookie, '"ada"').slice(0, -1)
  void answerTo(hanging, unfinished)
  await sleep(50)
  const stoppedAt = performance.now()
  server.kill('SIGTERM')
  const patience = new AbortController()
  const ended = await Promise.race([
    server.ended,
    sleep(2 * STOP_TIMEOUT_MS, undefined, { signal: patience.signal }).catch(() => undefined),
  ])
  patience.abort()
  const stopMs = performance.now() - stoppedAt
  hanging.close()
  await flood.stop()
  return { ...busy, crowding, calmP99: calm.p99, stopMs, exitCode: ended?.code ?? null }
}

/** An ordinary write, again and again, over a connection of its own. */
async function putFor(port: number, put: () => string, forMs: number) {
  const connection = await openLoadConnection(port)
  const times: number[] = []
  let shed = 0
  for (const endsAt = performance.now() + forMs; performance.now() < endsAt;) {
    const askedAt = performance.now()
    const status = await answerTo(connection, put())
    if (status === 204) times.push(performance.now() - askedAt)
    else shed++
    if (status === 0) break
    await sleep(2)
  }
  connection.close()
  return { p99: percentile(times, 0.99), answered: times.length, shed }
}

/** How many times longer this machine takes than a quiet one of the day, now, 1 at least. */
function measureSlowness(): number {
  const text = JSON.stringify(Array.from({ length: 20_000 }, (_, n) => String(n)))
  const cell = new Int32Array(new SharedArrayBuffer(4))
  let least = Infinity
  for (let turn = 0; turn < 10; turn++) {
    Atomics.wait(cell, 0, 0, 1)
    const before = process.threadCpuUsage()
    for (let n = 0; n < 4; n++) JSON.parse(text)
    // A thread that has slept knows what it has used.
    Atomics.wait(cell, 0, 0, 1)
    const { user, system } = process.threadCpuUsage(before)
    least = Math.min(least, (user + system) / 1_000)
  }
  return Math.max(1, least / QUIET_MS)
}

/** How many times longer than on a quiet machine it takes until some work is done, 1 at least. */
function measureCrowding(): number {
  const text = JSON.stringify(Array.from({ length: 20_000 }, (_, n) => String(n)))
  const began = performance.now()
  for (let n = 0; n < 400; n++) JSON.parse(text)
  return Math.max(1, (performance.now() - began) / (100 * QUIET_MS))
}

/** What it takes on a quiet machine to read the text four times. */
const QUIET_MS = 4
