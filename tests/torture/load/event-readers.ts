/**
 * A thousand streams of events, of which some take nothing, many are slow and far behind, and the others
 * are told at once of each new session: beside them, clients that read and write sessions wait for
 * nobody. And who is told at once is told of each.
 */
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { openClient } from '../../kit/clients/http-client.ts'
import {
  getUser,
  percentile,
  putUser,
  putUsers,
  startPacedLoad,
} from '../../kit/clients/load-client.ts'
import { watchLoop } from '../engine/server/loop-delay.ts'
import type { Finding, Given, Torture } from '../torture.ts'

type Scale = {
  /** Events before the first reader comes. */
  readonly backlog: number
  readonly p99LimitMs: number
  /** For the event loop, p99 as well. */
  readonly loopLimitMs: number
}

export const eventReadersTorture: Torture = {
  about: 'a thousand readers of events, most of them slow, to hold up reads and writes',
  breakages: {
    'each stream for a while': {
      seam: 'streams-in-turn',
      by: 'const takeTurn = async () => { for (const end = performance.now() + 0.2; performance.now() < end;); }',
    },
    'who waits is not woken': { seam: 'streams-woken', by: '' },
  },
  run,
}

const READERS = { 'takes nothing': 20, slow: 480, live: 500 } as const
type Kind = keyof typeof READERS

/** A slow one takes what the kernel has, 64 KB at most, once in so long. */
const SLOW_MS = 500
const CREATES_PER_SECOND = 50
const OTHERS_PER_SECOND = 100
const OPEN_LIMIT_MS = 15_000
/** Until each of the live ones has been told of the last. */
const TOLD_LIMIT_MS = 10_000

/** A run of half a minute or more is the promise; a shorter one shares its machine with other tests. */
const LONG_MS = 30_000
const LONG: Scale = { backlog: 40_000, p99LimitMs: 50, loopLimitMs: 25 }
const SHORT: Scale = { backlog: 10_000, p99LimitMs: 1_000, loopLimitMs: 500 }

async function run({ folder, endsAt, spawn }: Given): Promise<Finding> {
  const isLong = endsAt - performance.now() >= LONG_MS
  const { backlog, p99LimitMs, loopLimitMs } = isLong ? LONG : SHORT
  const violations: string[] = []
  const path = join(folder, 'sessions.db')
  const loop = watchLoop(join(folder, 'loop-delays'))
  const server = await spawn(['--data', path], loop?.under)
  const port = Number(new URL(server.url).port)
  const key = readFileSync(`${path}.api-key`, 'utf8').trim()
  const client = openClient(server.url)
  const { cookie } = await client.ask('PUT /session/user', { body: '"ada"' })
  fill(path, backlog)

  async function measure(forMs: number) {
    await loop?.measure(server)
    const load = { port, connections: 4 }
    const loads = {
      creates: startPacedLoad({ ...load, perSecond: CREATES_PER_SECOND, request: putUser('') }),
      reads: startPacedLoad({ ...load, perSecond: OTHERS_PER_SECOND, request: getUser(cookie) }),
      writes: startPacedLoad({ ...load, perSecond: OTHERS_PER_SECOND, request: putUsers(cookie) }),
    }
    await sleep(forMs)
    const delay = await loop?.measure(server)
    const times = {
      creates: await loads.creates.stop(),
      reads: await loads.reads.stop(),
      writes: await loads.writes.stop(),
    }
    return { created: times.creates.length, p99s: p99sOf(times, delay?.p99) }
  }

  const alone = await measure(Math.max(2_000, (endsAt - performance.now()) / 4))
  const readers = Object.entries(READERS).flatMap(([kind, count]) => {
    return Array.from({ length: count }, () => startReader(port, key, kind as Kind))
  })
  const late = sleep(OPEN_LIMIT_MS, 0, { ref: false })
  const opened = await Promise.all(readers.map((reader) => Promise.race([reader.opened, late])))
  const refused = opened.filter((status) => status !== 200)
  if (refused.length > 0) {
    for (const reader of readers) reader.stop()
    client.close()
    const words = `${refused.length} streams were not opened: ${refused[0] || 'no answer'}`
    return { violations: [words], figures: { streams: opened.length - refused.length } }
  }

  const { created, p99s } = await measure(Math.max(2_000, endsAt - performance.now()))
  const told = await allTold(readers, created)
  if (told.behind > 0) {
    violations.push(`${told.behind} live readers were not told of all after ${TOLD_LIMIT_MS} ms`)
  }
  for (const [what, ms] of Object.entries(p99s)) {
    const before = alone.p99s[what] ?? 0
    const limit = what === LOOP ? loopLimitMs : p99LimitMs
    // On a machine that does other things, what counts is how it was without readers.
    if (ms > limit && ms > before * WORSE_BY) {
      violations.push(`p99 of ${what} was ${ms} ms, over ${limit}; without readers ${before}`)
    }
  }
  const megabytes = memoryOf(server.pid)
  for (const reader of readers) reader.stop()
  client.close()
  return {
    violations,
    figures: {
      streams: opened.length,
      'events told': readers.reduce((sum, reader) => sum + reader.events(), 0),
      'ms until all were told': told.tookMs,
      ...Object.fromEntries(
        Object.entries(p99s).flatMap(([what, ms]) => [
          [`ms at p99 of ${what}`, ms],
          [`${what} without readers`, alone.p99s[what] ?? 0],
        ]),
      ),
      'MB of memory': megabytes,
    },
  }
}

const LOOP = 'loop delay'
/** Beyond the limit only what is so many times as late as without readers is a violation. */
const WORSE_BY = 4

function p99sOf(times: Readonly<Record<string, Float64Array>>, loopMs: number | undefined) {
  const p99s = Object.entries(times).map(
    ([what, all]) => [what, round(percentile(all, 0.99))] as const,
  )
  const all: Record<string, number> = Object.fromEntries(p99s)
  return loopMs === undefined ? all : { ...all, [LOOP]: round(loopMs) }
}

/** So many events in the file, as no server would write them: all at once. */
function fill(path: string, count: number): void {
  const database = new Database(path)
  database
    .prepare(
      `with recursive n(n) as (values (1) union all select n + 1 from n where n < ?)
       insert into events (at, kind, id, sub) select ?, 1, 'a-session-of-before-' || n, 'ada' from n`,
    )
    .run(count, Date.now())
  database.close()
}

function startReader(port: number, key: string, kind: Kind) {
  const opened = Promise.withResolvers<number>()
  const socket = connect({ port, host: '127.0.0.1' })
  socket.on('error', () => opened.resolve(0))
  const target = kind === 'live' ? '/events' : '/events?after=0'
  const lines = [`GET ${target} HTTP/1.1`, 'Host: localhost', `Authorization: Bearer ${key}`]
  socket.write(`${[...lines, 'Accept: text/event-stream'].join('\r\n')}\r\n\r\n`)
  const count = countEvents(socket, kind, opened.resolve)
  return { kind, opened: opened.promise, events: count, stop: () => socket.destroy() }
}

/** An event is a line that begins so; a chunk of the stream may end within it. */
const MARK = '\nevent: '

function countEvents(socket: Socket, kind: Kind, onStatus: (status: number) => void): () => number {
  let events = 0
  let tail = ''
  socket.setEncoding('latin1')
  socket.once('data', (text: string) => {
    onStatus(Number(text.slice(9, 12)))
    // Listened to no more, and not read.
    if (kind === 'takes nothing') socket.removeAllListeners('data').pause()
  })
  if (kind === 'takes nothing') return () => 0
  socket.on('data', (text: string) => {
    const all = tail + text
    events += all.split(MARK).length - 1
    tail = all.slice(-MARK.length + 1)
    if (kind !== 'slow') return
    socket.pause()
    setTimeout(() => socket.resume(), SLOW_MS).unref()
  })
  return () => events
}

async function allTold(readers: readonly ReturnType<typeof startReader>[], created: number) {
  const live = readers.filter(({ kind }) => kind === 'live')
  const began = performance.now()
  const countBehind = () => live.filter((reader) => reader.events() < created).length
  while (countBehind() > 0 && performance.now() - began < TOLD_LIMIT_MS) await sleep(10)
  return { behind: countBehind(), tookMs: Math.round(performance.now() - began) }
}

/** Resident, of a process. Linux only. */
function memoryOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024)
}

function round(ms: number): number {
  return Number(ms.toFixed(1))
}
