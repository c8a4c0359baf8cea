/**
 * A thousand clients that are silent, a thousand each that send their headers or their bodies or
 * read their answers as slowly as slowhttptest can, some that never read: beside them a client that
 * wants nothing but its session. Then the same with fewer descriptors than clients.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { getUser, percentile, startPacedLoad } from '../../kit/clients/load-client.ts'
import { openClient } from '../../kit/clients/http-client.ts'
import { skip } from '../../kit/runner/skip.ts'
import type { RunningServer } from '../../kit/process/spawn-server.ts'
import { type Attack, startAttackers } from '../engine/clients/attackers.ts'
import { busiestSecond } from '../engine/server/stderr-rate.ts'
import type { Finding, Given, Torture } from '../torture.ts'

/**
 * In milliseconds; the slack is what a machine with other work may take beyond them. Without a limit
 * of their own, headers have that of the request: the two are further apart than the slack.
 */
type Limits = {
  readonly header: number
  readonly request: number
  readonly keepAlive: number
  readonly slack: number
}

const ATTACKERS = 1_000
const NORMAL_PER_SECOND = 100
const NORMAL_CONNECTIONS = 4
const MAX_LINES = 5
/** Node looks at its limits every second. */
const CHECK_MS = 1_000
const DESCRIPTORS = 128
/** All are accepted by then, also on a machine that does much else. */
const ACCEPTING_MS = 60_000
/** Among the states of /proc/net/tcp. */
const LISTENING = '0A'
/** So many at a time are let in: all of them, one lot after the other. */
const LOTS_MS = 15_000

/** A run of half a minute or more has the limits of a server as it comes, and the promised time of answers. */
const LONG_MS = 30_000
const DEFAULTS: Limits = { header: 5_000, request: 15_000, keepAlive: 75_000, slack: 3_000 }
const SHORT: Limits = { header: 1_000, request: 9_000, keepAlive: 8_000, slack: 6_000 }
const P99_LIMIT_MS = { long: 50, short: 1_000 }

/** slowhttptest's modes: headers, body, reading. `-i`: a bit more is sent every second. */
const MODES = [
  ['-H', '-i', '1'],
  ['-B', '-t', 'PUT', '-i', '1', '-s', '8192'],
  ['-X', '-n', '1', '-w', '1', '-y', '2', '-z', '1', '-k', '5'],
]

export const slowClientsTorture: Torture = {
  about: 'thousands of clients that are slow or silent, to be served late',
  breakages: {
    'no limit on headers': { seam: 'headers-timeout', by: 'headersTimeout: 0,' },
    'no limit on requests': { seam: 'request-timeout', by: 'requestTimeout: 0,' },
    'no limit on reading': { seam: 'slow-readers', by: '} else if (false) {' },
    'a log without bounds': { seam: 'audit-rate', by: '      if (true) {' },
  },
  run,
}

async function run(given: Given): Promise<Finding> {
  if (spawnSync('slowhttptest', ['-h']).error !== undefined) skip('slowhttptest is not installed')
  const isLong = given.endsAt - performance.now() >= LONG_MS
  const violations: string[] = []
  const limits = isLong ? DEFAULTS : SHORT
  const server = await given.spawn(argumentsOf(join(given.folder, 'sessions.db'), limits))
  let [rounds, mostAtOnce] = [0, 0]
  let p99 = 0
  await showWrongKeys(server.url)
  checkLog(server, violations)
  while (violations.length === 0 && (rounds === 0 || performance.now() < given.endsAt)) {
    const round = await attack(server, limits)
    violations.push(...round.violations)
    mostAtOnce = Math.max(mostAtOnce, round.atOnce)
    p99 = Math.max(p99, round.p99)
    rounds++
  }
  const limit = isLong ? P99_LIMIT_MS.long : P99_LIMIT_MS.short
  if (!isLong && p99 > limit && violations.length === 0) {
    // So few requests that one stall of the machine is their p99: it does not stall twice, a fault does.
    const again = await attack(server, limits)
    violations.push(...again.violations)
    p99 = Math.min(p99, again.p99)
  }
  if (p99 > limit) violations.push(`p99 of the normal client was ${p99} ms, over ${limit}`)
  if (violations.length === 0) violations.push(...(await runOutOfDescriptors(given)))
  checkLog(server, violations)
  const busiest = busiestSecond(server.stderr())
  return {
    violations,
    figures: {
      rounds,
      'connections at once': mostAtOnce,
      'ms at p99': p99,
      'lines a second': busiest.lines,
    },
  }
}

/** For a log that has something to say. */
async function showWrongKeys(url: string): Promise<void> {
  const client = openClient(url)
  for (let n = 0; n < 100; n++)
    await client.ask('GET /sessions', { key: `ck_${n}`.padEnd(46, 'x') })
  client.close()
}

function checkLog(server: RunningServer, violations: string[]): void {
  const { lines, kind } = busiestSecond(server.stderr())
  if (lines > MAX_LINES) violations.push(`stderr had ${lines} lines in a second: ${kind}`)
}

function argumentsOf(path: string, { header, request, keepAlive }: Limits): string[] {
  return ['--data', path].concat(
    ['--header-timeout', `${header}ms`],
    ['--request-timeout', `${request}ms`],
    ['--keep-alive-timeout', `${keepAlive}ms`],
  )
}

async function attack(server: RunningServer, limits: Limits) {
  const violations: string[] = []
  const port = Number(new URL(server.url).port)
  const allowed = socketsOf(server.pid) + NORMAL_CONNECTIONS
  const client = openClient(server.url)
  const { cookie } = await client.ask('PUT /session/user', { body: '"ada"' })
  const large = await client.ask('PUT /session/large', { body: `"${'x'.repeat(60_000)}"` })
  const normal = startPacedLoad({
    port,
    connections: NORMAL_CONNECTIONS,
    perSecond: NORMAL_PER_SECOND,
    request: getUser(cookie),
  })

  const head = 'PUT /session/k HTTP/1.1\r\nHost: localhost\r\n'
  const get = `GET /session HTTP/1.1\r\nHost: localhost\r\nCookie: ${large.cookie}\r\n\r\n`
  // By how long each may last; those that do not read never learn of their end.
  const kinds: readonly (readonly [string, number, number, Attack])[] = [
    ['silent', ATTACKERS, limits.header, { opening: '', reads: true }],
    ['headers', 100, limits.header, { opening: head, drip: 'X: a\r\n', reads: true }],
    [
      'body',
      100,
      limits.request,
      { opening: `${head}Content-Length: 9999\r\n\r\n"`, drip: 'a', reads: true },
    ],
    ['never reading', 5, Infinity, { opening: get.repeat(150), reads: false }],
  ]
  const own = kinds.map(([kind, count, limit, what]) => {
    return { kind, limit, attackers: startAttackers(port, count, what) }
  })
  await untilAccepted(port)
  const acceptedAt = performance.now()
  const programs = MODES.map((mode) => slowly(mode, `${server.url}/session/large`, large.cookie))
  client.close()

  const longest = Math.max(limits.request, limits.keepAlive)
  const reached = await whileRising(server.pid, port)
  const deadline = performance.now() + longest + CHECK_MS + limits.slack
  while (socketsOf(server.pid) > allowed && performance.now() < deadline) await sleep(100)
  const left = socketsOf(server.pid) - allowed
  if (left > 0)
    violations.push(`${left} connections were open after ${longest / 1000} s and a check`)
  for (const { kind, limit, attackers } of own) {
    const slowest = Math.max(...attackers.durationsSince(acceptedAt))
    if (slowest > limit + CHECK_MS + limits.slack) {
      violations.push(`a client that was slow (${kind}) lasted for ${Math.round(slowest)} ms`)
    }
    attackers.stop()
  }
  for (const program of programs) program.kill('SIGKILL')
  const p99 = await normal.stop().then(
    (times) => percentile(times, 0.99),
    (error: unknown) => {
      violations.push(`the normal client was not served: ${String(error)}`)
      return NaN
    },
  )
  return { violations, p99: Number(p99.toFixed(1)), atOnce: reached }
}

function slowly(mode: readonly string[], url: string, cookies: string): ChildProcess {
  const common = ['-c', String(ATTACKERS), '-r', String(ATTACKERS / 2), '-l', '240', '-u', url]
  return spawn('slowhttptest', [...mode, ...common, '-j', cookies], { stdio: 'ignore' })
}

/** Until no more connections come, and none waits to be accepted. Returns the most that were open at once. */
async function whileRising(pid: number, port: number): Promise<number> {
  let most = 0
  for (let looks = 0; looks < 10; looks++) {
    await untilAccepted(port)
    const now = socketsOf(pid)
    if (now > most) [most, looks] = [now, 0]
  }
  return most
}

/**
 * Until no connection waits to be accepted: the server's limits begin with that, and its event loop accepts
 * one a turn.
 */
async function untilAccepted(port: number): Promise<void> {
  const deadline = performance.now() + ACCEPTING_MS
  do await sleep(100)
  while (acceptQueueOf(port) > 0 && performance.now() < deadline)
}

/** How many connections to a port of 127.0.0.1 are made and not accepted. Linux only: see proc(5). */
function acceptQueueOf(port: number): number {
  const address = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`
  for (const line of readFileSync('/proc/net/tcp', 'latin1').split('\n')) {
    const [, local, , state, queues = ''] = line.trim().split(/\s+/)
    if (local === address && state === LISTENING) return Number.parseInt(queues.slice(9), 16)
  }
  throw new Error(`Nothing listens on port ${port}`)
}

/** How many sockets a process has open. Linux only. */
function socketsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith('socket:')
    } catch {
      return false
    }
  }).length
}

/** More clients than there are descriptors: those who are in are served, and all when they have gone. */
async function runOutOfDescriptors(given: Given): Promise<string[]> {
  const violations: string[] = []
  const limits = { ...SHORT, keepAlive: 60_000 }
  const server = await given.spawn(argumentsOf(join(given.folder, 'few.db'), limits), [
    'prlimit',
    `--nofile=${DESCRIPTORS}:${DESCRIPTORS}`,
  ])
  const port = Number(new URL(server.url).port)
  const client = openClient(server.url)
  const { cookie } = await client.ask('PUT /session/user', { body: '"ada"' })
  const silent = startAttackers(port, ATTACKERS, { opening: '', reads: true })
  const deadline = performance.now() + limits.header + CHECK_MS + LOTS_MS
  while (silent.open() > 0 && performance.now() < deadline) {
    const { status } = await client.ask('GET /session/user', { cookie })
    if (status !== 200) violations.push(`a client that was in already was answered with ${status}`)
    await sleep(20)
  }
  if (silent.open() > 0) violations.push(`${silent.open()} silent clients were never closed`)
  silent.stop()
  // While it still lets go of the last, libuv takes a connection to close it at once (`EMFILE`).
  while (socketsOf(server.pid) > DESCRIPTORS / 2 && performance.now() < deadline) await sleep(100)
  const next = openClient(server.url)
  const { status } = await next.ask('PUT /session/user', { cookie, body: '"ada"' })
  if (status !== 204) violations.push(`afterwards a new client was answered with ${status}`)
  next.close()
  client.close()
  checkLog(server, violations)
  server.kill('SIGTERM')
  const { code, signal } = await server.ended
  if (code !== 0) violations.push(`without descriptors it ended with ${code ?? signal}`)
  return violations
}
