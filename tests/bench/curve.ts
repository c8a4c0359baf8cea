/**
 * What a request costs as the file grows, and as a session does: CPU time of the server's process,
 * all threads; rounds over the files in turn, medians.
 * `npm run bench:curve [-- --folder FOLDER | --store postgres] [COUNT...]`. Linux only: it reads /proc. Ten
 * million sessions take 5 GB and some minutes to write; in a folder that is named, the files stay, and are
 * used again within a day. With `--store postgres` the sessions are in databases of a cluster of this run's
 * own, whose CPU is told beside the server's.
 */
import { randomInt } from 'node:crypto'
import { mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type RunningServer, spawnServer } from '../kit/process/spawn-server.ts'
import { getUser, putUser, sendAll } from '../kit/clients/load-client.ts'
import { findPostgres, startCluster } from '../kit/postgres/cluster.ts'
import { fillDatabase } from './data/filled-database.ts'
import { cookieOf, DAY, fillFile } from './data/filled-file.ts'
import { readExactCpuUs, readUsage } from './machine/process-usage.ts'

type Subject = {
  readonly name: string
  /** Flags that say where the sessions are. */
  readonly place: readonly string[]
  /** Of the file, or of tables and indexes. */
  readonly bytes: number
  readonly count: number
  readonly dataBytes: number
}
type Running = Subject & { readonly server: RunningServer; readonly port: number }

const CONNECTIONS = 32
const ROUNDS = 3
const STARTS = 3
/** Read and written again and again, wherever in the file they are. */
const WARM = 1_000
/** A read is written down as activity within a second: that is a part of its cost. */
const TOUCH_MS = 1_200
/** Beside the claims, which are `{}`, and four bytes that a write adds: the most that `--session-limit` allows. */
const LARGEST = 64 * 1024 - 2 - 4
const SIZES = [100, 1024, 8 * 1024, LARGEST]
const SIZED_COUNT = 2_000
/** Without a checkpoint in the middle of a round: it would be charged to whoever is measured then. */
const SETTINGS = ['max_wal_size=32GB', 'checkpoint_timeout=1d']

const { given, store, counts } = readArguments()
const folder = given ?? mkdtempSync(join(tmpdir(), 'coatcheck-curve-'))
mkdirSync(folder, { recursive: true })
const servers = new Set<RunningServer>()
const cluster = store === undefined ? undefined : await startCluster(findPostgres() ?? '', SETTINGS)
// Also where something throws: no server, and no file of gigabytes, must be left.
process.on('exit', () => {
  for (const server of servers) server.kill('SIGKILL')
  if (cluster !== undefined) {
    cluster.signal('SIGKILL')
    rmSync(dirname(cluster.folder), { recursive: true, force: true })
  }
  if (given === undefined) rmSync(folder, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))

const byCount: Subject[] = []
for (const count of counts) byCount.push(await subjectOf(`${count} sessions`, count, 300))
reportSizes(byCount)
await reportStarts(byCount)
await reportCosts('µs CPU a request by sessions in the file', byCount, WARM, 20_000)
const bySize: Subject[] = []
for (const bytes of SIZES) bySize.push(await subjectOf(`${bytes} bytes`, SIZED_COUNT, bytes))
await reportCosts('µs CPU a request by size of the session', bySize, 100, 16_000)
process.exit()

function readArguments(): {
  given: string | undefined
  store: string | undefined
  counts: readonly number[]
} {
  const options = { folder: { type: 'string' }, store: { type: 'string' } } as const
  try {
    const { values, positionals } = parseArgs({ options, allowPositionals: true })
    const counts = positionals.length > 0 ? positionals.map(Number) : [1e3, 1e5, 1e6, 1e7]
    if (!counts.every((count) => Number.isInteger(count) && count > 0)) {
      throw new Error('COUNT must be a number of sessions')
    }
    const { folder, store } = values
    if (store !== undefined && (store !== 'postgres' || folder !== undefined)) {
      throw new Error('--store must be postgres, and goes without --folder')
    }
    if (store !== undefined && findPostgres() === undefined) {
      throw new Error('--store needs PostgreSQL (apt-get install postgresql)')
    }
    return { given: folder, store, counts }
  } catch (error) {
    process.stderr.write(
      `${(error as Error).message}\nUsage: npm run bench:curve [-- --folder FOLDER | --store postgres] [COUNT...]\n`,
    )
    process.exit(64)
  }
}

async function subjectOf(name: string, count: number, dataBytes: number): Promise<Subject> {
  const filling = { count, dataBytes, expiresAt: Date.now() + 2 * DAY, spreadMs: DAY / 2 }
  if (cluster !== undefined) {
    const { address, bytes } = await fillDatabase(cluster, filling)
    return { name, place: ['--store', address], bytes, count, dataBytes }
  }
  const path = join(folder, `${count}-of-${dataBytes}.db`)
  if (statSync(path, { throwIfNoEntry: false }) === undefined) {
    const partial = `${path}.partial`
    fillFile({ path: partial, ...filling })
    renameSync(partial, path)
  }
  return { name, place: ['--data', path], bytes: statSync(path).size, count, dataBytes }
}

function reportSizes(subjects: readonly Subject[]): void {
  console.log(cluster === undefined ? '\nFile' : '\nTable and indexes')
  for (const { name, bytes, count, dataBytes } of subjects) {
    console.log(
      `  ${name.padEnd(18)}${(bytes / 1024 ** 2).toFixed(0).padStart(7)} MiB, ` +
        `${(bytes / count).toFixed(0)} bytes a session of ${dataBytes} bytes of data`,
    )
  }
}

/** From the spawn of the process to the first answer about a session. */
async function reportStarts(subjects: readonly Subject[]): Promise<void> {
  console.log('\nStart to first answer, resident memory then')
  for (const subject of subjects) {
    const times: number[] = []
    const memory: number[] = []
    for (let start = 0; start < STARTS; start++) {
      const began = performance.now()
      const running = await startOn(subject)
      await send(running, 1, 1, getUser)
      times.push(performance.now() - began)
      memory.push(readUsage([running.server.pid]).residentBytes)
      await stop(running)
    }
    console.log(
      `  ${subject.name.padEnd(18)}${median(times).toFixed(0).padStart(7)} ms, ` +
        `${mebibytes(median(memory))} MiB`,
    )
  }
}

async function reportCosts(
  title: string,
  subjects: readonly Subject[],
  warm: number,
  requests: number,
): Promise<void> {
  const running = await Promise.all(subjects.map(startOn))
  const operations = [
    { name: 'GET warm', among: warm, count: requests, request: getUser },
    { name: 'PUT warm', among: warm, count: requests, request: putUser },
    // Each of these makes the disk read and write pages all over the file, a read by its touch:
    // so there are fewer.
    { name: 'GET cold', among: Infinity, count: requests / 4, request: getUser },
    { name: 'PUT cold', among: Infinity, count: requests / 10, request: putUser },
  ]
  console.log(`\n${title}; in brackets, times the first column`)
  console.log(' '.repeat(14) + running.map(({ name }) => name.padStart(18)).join(''))
  for (const { name, among, count, request } of operations) {
    const costs = running.map(() => new Array<number>())
    const databaseCosts = running.map(() => new Array<number>())
    for (let round = 0; round <= ROUNDS; round++) {
      for (const [index, subject] of running.entries()) {
        const before = readUsage([subject.server.pid])
        const databaseUs = readDatabaseUs()
        await send(subject, count, among, request)
        await sleep(TOUCH_MS)
        // The first round warms up.
        if (round === 0) continue
        costs[index]?.push((readUsage([subject.server.pid]).cpuUs - before.cpuUs) / count)
        databaseCosts[index]?.push((readDatabaseUs() - databaseUs) / count)
      }
    }
    printCosts(name, costs)
    if (cluster !== undefined) printCosts('+ database', databaseCosts)
  }
  const memory = running.map(({ server }) => readUsage([server.pid]).residentBytes)
  printRow('MiB then', memory.map(mebibytes))
  for (const subject of running) await stop(subject)
}

/** Of the servers of all databases; for those that are not asked there is next to nothing to do. */
function readDatabaseUs(): number {
  return cluster === undefined ? 0 : readExactCpuUs([cluster.pid])
}

function printCosts(name: string, costs: readonly (readonly number[])[]): void {
  const [first = NaN, ...others] = costs.map(median)
  const ratios = others.map((cost) => `${cost.toFixed(1)} (${(cost / first).toFixed(2)})`)
  printRow(name, [first.toFixed(1), ...ratios])
}

function printRow(name: string, cells: readonly string[]): void {
  console.log(`  ${name.padEnd(12)}${cells.map((cell) => cell.padStart(18)).join('')}`)
}

async function startOn(subject: Subject): Promise<Running> {
  const server = await spawnServer(subject.place)
  servers.add(server)
  return { ...subject, server, port: Number(new URL(server.url).port) }
}

async function stop({ server }: Running): Promise<void> {
  server.kill('SIGTERM')
  await server.ended
  servers.delete(server)
}

/** So many requests about sessions picked at random among the first, or among all. */
async function send(
  { port, count }: Running,
  requests: number,
  among: number,
  request: (cookie: string) => string,
): Promise<void> {
  let sent = 0
  const next = () =>
    sent++ < requests ? request(cookieOf(randomInt(Math.min(among, count)))) : undefined
  await sendAll(port, Math.min(requests, CONNECTIONS), next)
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN
}

function mebibytes(bytes: number): string {
  return (bytes / 1024 ** 2).toFixed(0)
}
