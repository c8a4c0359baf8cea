/**
 * What holds answers up: the times of a GET of one session, 500 a second, and of a PUT of it, 20 a
 * second, at rest and while the server or its disk is busy with something large.
 * `npm run bench:stalls [-- NAME...]`, some of sweep, checkpoint, backup, end-all, slow-sync and
 * endless-writes. Linux only; slow-sync needs a C compiler.
 */
import { execFileSync, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { openClient } from '../kit/clients/http-client.ts'
import { PROGRAM, type RunningServer, spawnServer } from '../kit/process/spawn-server.ts'
import { getUser, putUser, putUsers, sendAll, startPacedLoad } from '../kit/clients/load-client.ts'
import { cookieOf, type Filling, fillFile } from './data/filled-file.ts'

type Subject = { readonly server: RunningServer; readonly port: number; readonly path: string }
type Measured = { readonly get: Float64Array; readonly put: Float64Array }

const COUNT = 1_000_000
const DAY = 24 * 60 * 60_000
const MEBIBYTE = 1024 ** 2
const REST_MS = 15_000
const KEY = `ck_${'k'.repeat(43)}`

const folder = mkdtempSync(join(tmpdir(), 'coatcheck-stalls-'))
const servers = new Set<RunningServer>()
process.on('exit', () => {
  for (const server of servers) server.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))

const scenarios = {
  sweep,
  checkpoint,
  backup,
  'end-all': endAll,
  'slow-sync': slowSync,
  'endless-writes': endlessWrites,
}
const names = process.argv.slice(2)
if (names.some((name) => !Object.hasOwn(scenarios, name))) {
  process.stderr.write(
    `Usage: npm run bench:stalls [-- NAME...], of ${Object.keys(scenarios).join(', ')}\n`,
  )
  process.exit(64)
}
for (const [name, run] of Object.entries(scenarios)) {
  if (names.length > 0 && !names.includes(name)) continue
  await run()
  for (const server of servers) server.kill('SIGKILL')
  for (const end of ['', '-wal', '-shm']) rmSync(join(folder, `sessions.db${end}`), { force: true })
}
process.exit()

async function sweep(): Promise<void> {
  // The writing of the file takes its time, and all must expire after the measurement at rest.
  const expiresAt = Date.now() + 90_000
  const subject = await startOn({ expiresAt, spreadMs: 0 }, ['--sweep-interval', '1s'])
  await report('a million sessions expire and are swept', subject, async () => {
    await sleep(expiresAt - Date.now())
    const began = performance.now()
    while (!subject.server.stderr().includes('"swept"')) await sleep(100)
    return `swept in ${seconds(began)}`
  })
}

async function checkpoint(): Promise<void> {
  const large = { count: 20_000, dataBytes: 60_000 }
  // Longer than its log ever gets here: writes must go on.
  const subject = await startOn(large, ['--wal-limit', '4096MiB'])
  const reader = await holdRead(subject.path)
  let n = 0
  const next = () =>
    n < large.count && walBytes(subject) < 1024 * MEBIBYTE ? putUser(cookieOf(n++)) : undefined
  await sendAll(subject.port, 16, next)
  const size = Math.round(walBytes(subject) / MEBIBYTE)
  await report(`a checkpoint of a log of ${size} MiB`, subject, async () => {
    reader.kill('SIGKILL')
    await once(reader, 'exit')
    // The next commit brings it about, and waits for it.
    const began = performance.now()
    await sendAll(subject.port, 1, single(putUser(cookieOf(0))))
    const waited = seconds(began)
    await sleep(5_000)
    return `the commit that did it took ${waited}, the log is ${mebibytes(walBytes(subject))} then`
  })
}

async function backup(): Promise<void> {
  const subject = await startOn({})
  await report('a backup', subject, async () => {
    const began = performance.now()
    const copy = join(folder, 'copy.db')
    const [command = '', ...program] = PROGRAM
    const args = [...program, 'backup', copy, '--data', subject.path]
    const [code] = await once(spawn(command, args, { stdio: 'ignore' }), 'exit')
    if (code !== 0) throw new Error(`The backup ended with ${code}`)
    rmSync(copy)
    return `done in ${seconds(began)}`
  })
}

async function endAll(): Promise<void> {
  const subject = await startOn({})
  const client = openClient(subject.server.url)
  await report('DELETE /sessions?all=true, until no more are left', subject, async (cookie) => {
    const own = JSON.parse((await client.ask('GET /session', { cookie })).body)
    const began = performance.now()
    let slowest = 0
    for (let more = true; more;) {
      const asked = performance.now()
      const line = `DELETE /sessions?all=true&except=${own.id}`
      more = JSON.parse((await client.ask(line, { key: KEY })).body).more
      slowest = Math.max(slowest, performance.now() - asked)
    }
    return `done in ${seconds(began)}, the slowest call took ${slowest.toFixed(0)} ms`
  })
  client.close()
}

async function slowSync(): Promise<void> {
  const library = join(folder, 'slow-sync.so')
  const source = fileURLToPath(new URL('./machine/slow-sync.c', import.meta.url))
  execFileSync('cc', ['-shared', '-fPIC', '-O2', '-o', library, source])
  const subject = await startOn({ count: 1_000 }, [], { LD_PRELOAD: library })
  await report('a disk whose sync takes 5 ms, eight writers', subject, async () => {
    const until = performance.now() + REST_MS
    let sent = 0
    await sendAll(subject.port, 8, () => {
      if (performance.now() > until) return undefined
      sent++
      return putUser(cookieOf(randomInt(1_000)))
    })
    return `${Math.round(sent / (REST_MS / 1000))} writes a second`
  })
}

/** How far the log grows, and what a read beside it takes; nothing else is at rest then. */
async function endlessWrites(): Promise<void> {
  const subject = await startOn({})
  await report('endless writes all over the file, and reads', subject, async () => {
    const until = performance.now() + 60_000
    let sent = 0
    let largest = 0
    await sendAll(subject.port, 32, () => {
      if (performance.now() > until) return undefined
      if (sent++ % 100 === 0) largest = Math.max(largest, walBytes(subject))
      const cookie = cookieOf(randomInt(COUNT))
      return sent % 2 === 0 ? putUser(cookie) : getUser(cookie)
    })
    return `${Math.round(sent / 60)} requests a second, the log at most ${mebibytes(largest)}`
  })
}

async function startOn(
  filling: Partial<Filling>,
  args: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): Promise<Subject> {
  const path = join(folder, 'sessions.db')
  const times = { expiresAt: Date.now() + 2 * DAY, spreadMs: DAY / 2 }
  fillFile({ path, count: COUNT, dataBytes: 300, ...times, ...filling })
  const server = await spawnServer(['--data', path, ...args], { ...env, COATCHECK_API_KEY: KEY })
  servers.add(server)
  return { server, port: Number(new URL(server.url).port), path }
}

/** Measures at rest, then for as long as `busy` takes; it answers what there is to say of it. */
async function report(
  title: string,
  subject: Subject,
  busy: (cookie: string) => Promise<string>,
): Promise<void> {
  const cookie = await signIn(subject)
  await measure(subject, cookie, () => sleep(2_000))
  const rest = await measure(subject, cookie, () => sleep(REST_MS))
  let remark = ''
  const loaded = await measure(subject, cookie, async () => (remark = await busy(cookie)))
  console.log(`\n${title}: ${remark}`)
  console.log(`${' '.repeat(10)}ms: p50, p99, max at rest      then           p99 ratio`)
  for (const method of ['get', 'put'] as const) {
    const ratio = percentile(loaded[method], 0.99) / percentile(rest[method], 0.99)
    console.log(
      `  ${method.toUpperCase()}   ${figures(rest[method])}    ${figures(loaded[method])}` +
        `${ratio.toFixed(1).padStart(10)}`,
    )
  }
}

async function measure(
  { port }: Subject,
  cookie: string,
  wait: () => Promise<unknown>,
): Promise<Measured> {
  const gets = startPacedLoad({ port, connections: 4, perSecond: 500, request: getUser(cookie) })
  const puts = startPacedLoad({ port, connections: 4, perSecond: 20, request: putUsers(cookie) })
  await wait()
  const [get, put] = await Promise.all([gets.stop(), puts.stop()])
  return { get, put }
}

/** A session that lives on while all those in the file expire. */
async function signIn({ server }: Subject): Promise<string> {
  const client = openClient(server.url)
  const { cookie } = await client.ask('PUT /session/user', { body: '"ada"' })
  client.close()
  return cookie
}

/** Another process that reads, and does not end its read. */
async function holdRead(path: string) {
  const script =
    "const Database = require('better-sqlite3');" +
    'const database = new Database(process.argv[1], { readonly: true });' +
    "database.exec('begin');" +
    "database.prepare('select number from sessions limit 1').get();" +
    "console.log('reading'); setInterval(() => {}, 1e6)"
  const cwd = fileURLToPath(new URL('../..', import.meta.url))
  const reader = spawn(process.execPath, ['-e', script, path], {
    cwd,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  // Also where something throws before it is ended.
  process.on('exit', () => reader.kill('SIGKILL'))
  await once(reader.stdout, 'data')
  return reader
}

function walBytes({ path }: Subject): number {
  return statSync(`${path}-wal`).size
}

function single(request: string): () => string | undefined {
  let sent = 0
  return () => (sent++ === 0 ? request : undefined)
}

function figures(times: Float64Array): string {
  return [percentile(times, 0.5), percentile(times, 0.99), percentile(times, 1)]
    .map((ms) => ms.toFixed(2).padStart(8))
    .join('')
}

function percentile(times: Float64Array, share: number): number {
  return times.toSorted()[Math.min(times.length - 1, Math.floor(times.length * share))] ?? NaN
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / MEBIBYTE)} MiB`
}

function seconds(began: number): string {
  return `${((performance.now() - began) / 1000).toFixed(1)} s`
}
