/**
 * What the JavaScript client costs an application, beside @redis/client, and beside express-session with
 * connect-redis where Redis keeps each write (`appendfsync always`), as Coatcheck does. The two take turns
 * within each round, so that what else the machine does hits both; a ratio is the median of the rounds'
 * ratios. Both serve the same number of pages, after thousands that do not count: what the engine does once,
 * compiling above all, would weigh more in an application that is asked for fewer pages. Linux only.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CLIENT_PACKAGES, installClientPackages } from '../../kit/clients/client-packages.ts'
import { startRedis } from '../contenders/redis.ts'
import { findProgram } from '../machine/find-program.ts'
import { readExactCpuUs } from '../machine/process-usage.ts'
import {
  endAllAtExit,
  endProcess,
  makeFolder,
  portOf,
  type Process,
  removeFolder,
  startProcess,
} from '../machine/processes.ts'
import { readFewOptions } from '../few-options.ts'
import type { Measured, Order } from './order.ts'
import { openPageLoad, type PageLoad } from './page-load.ts'

type Side = 'coatcheck' | 'redis'

type Subject = {
  readonly child: ChildProcess
  readonly server: Process
  readonly pages: PageLoad
}

/** Of one side in one round: microseconds of CPU a call, in the application and in the server. */
type Sample = { readonly application: number; readonly server: number; readonly p50Ms: number }

type Row = {
  readonly title: string
  /** What the ratio of the applications may be at most. */
  readonly limit: number
  readonly measure: (subject: Subject) => Promise<Sample>
}

const HELP = `Usage: npm run bench:clients -- [--flag value]...

What the JavaScript client costs an application, beside @redis/client and connect-redis. It needs redis-server.
Ends with code 1 where a ratio is above its limit.

  --rounds N        in each of which both take their turn (7)
  --milliseconds N  for each in a round (1000)
  --only WORD       what has it in its title
  --no-install      do not install the packages that are missing
`
const values = readFewOptions(
  { rounds: 7, milliseconds: 1_000, only: '', 'no-install': false },
  HELP,
)
const { rounds, milliseconds } = values
const KEY = `ck_${'k'.repeat(43)}`
/** After so many the engine has compiled what matters. */
const WARM_UP_PAGES = 5_000

const TITLES = [
  'what the application does',
  'ratio',
  'limit',
  ...['app µs', 'server µs', 'p50 ms'],
  ...['redis app µs', 'server µs', 'p50 ms'],
]

endAllAtExit()
const missing =
  findProgram('redis-server') === undefined
    ? 'it needs apt-get install redis-server'
    : await installClientPackages(!values['no-install'])
if (missing !== undefined) {
  process.stderr.write(`Cannot measure: ${missing}\n`)
  process.exit(1)
}
const folders = [makeFolder(), makeFolder()]
const subjects = { coatcheck: await startCoatcheck(), redis: await startRedisSide() }
process.stdout.write(renderLine(TITLES))
const results = []
for (const row of rows()) if (row.title.includes(values.only)) results.push(await compare(row))
for (const { child, server, pages } of Object.values(subjects)) {
  pages.close()
  child.kill()
  await endProcess(server)
}
folders.forEach(removeFolder)
process.exit(results.every((isWithin) => isWithin) ? 0 : 1)

function rows(): readonly Row[] {
  const calls = (['read', 'read by id', 'write', 'count'] as const).flatMap((call) =>
    [1, 8, 32].map((parallel) => ({
      title: `${call}, ${parallel} at once`,
      limit: 1,
      measure: (subject: Subject) => measureCall(subject, { call, parallel, milliseconds }),
    })),
  )
  const pages = [
    ['page that reads', '/read', 1],
    ['page that changes', '/change', 1.3],
  ] as const
  return [
    ...calls,
    ...pages.flatMap(([title, path, limit]) =>
      [1, 16].map((parallel) => ({
        title: `${title}, ${parallel} at once`,
        limit,
        measure: createPageMeasure(path, parallel),
      })),
    ),
  ]
}

async function compare({ title, limit, measure }: Row): Promise<boolean> {
  const samples: Record<Side, Sample[]> = { coatcheck: [], redis: [] }
  for (let round = 0; round <= rounds; round++) {
    const order: Side[] = round % 2 === 0 ? ['coatcheck', 'redis'] : ['redis', 'coatcheck']
    for (const side of order) {
      const sample = await measure(subjects[side])
      // The first round warms up.
      if (round > 0) samples[side].push(sample)
    }
  }
  const ratios = samples.coatcheck.map(
    ({ application }, round) => application / (samples.redis[round]?.application ?? NaN),
  )
  const ratio = median(ratios)
  const figures = (side: Side) => [
    median(samples[side].map(({ application }) => application)).toFixed(1),
    median(samples[side].map(({ server }) => server)).toFixed(1),
    median(samples[side].map(({ p50Ms }) => p50Ms)).toFixed(2),
  ]
  const isWithin = ratio <= limit
  process.stdout.write(
    renderLine([
      title,
      ratio.toFixed(2),
      `${limit.toFixed(1)}${isWithin ? '' : ' !'}`,
      ...figures('coatcheck'),
      ...figures('redis'),
    ]),
  )
  return isWithin
}

async function measureCall({ child, server }: Subject, order: Order): Promise<Sample> {
  const before = readExactCpuUs([server.pid])
  child.send(order)
  const [{ count, cpuUs, p50Ms }] = (await once(child, 'message')) as [Measured]
  const used = readExactCpuUs([server.pid]) - before
  return { application: cpuUs / count, server: used / count, p50Ms }
}

function createPageMeasure(path: string, parallel: number): Row['measure'] {
  let count: number | undefined
  return async ({ child, server, pages }) => {
    count ??= await findPageCount(path, parallel)
    const usage = () => [child.pid ?? 0, server.pid].map((pid) => readExactCpuUs([pid]))
    const before = usage()
    const times = await pages.run(path, parallel, count)
    const [application = NaN, used = NaN] = usage().map((after, at) => after - (before[at] ?? NaN))
    return { application: application / count, server: used / count, p50Ms: median(times) }
  }
}

/** As many as the quicker side serves in the time told. */
async function findPageCount(path: string, parallel: number): Promise<number> {
  for (let count = 64; ; count *= 2) {
    const times: number[] = []
    for (const { pages } of Object.values(subjects)) {
      const began = performance.now()
      await pages.run(path, parallel, count)
      times.push(performance.now() - began)
    }
    const quickest = Math.min(...times)
    if (quickest >= milliseconds / 2) return Math.ceil((count * milliseconds) / quickest)
  }
}

async function startCoatcheck(): Promise<Subject> {
  const program = fileURLToPath(new URL('../../../server.ts', import.meta.url))
  const data = join(folders[0] ?? '', 'sessions.db')
  const command = [process.execPath, program, '--port', '0', '--data', data]
  const server = startProcess(command, { env: { COATCHECK_API_KEY: KEY } })
  return await startSubject('coatcheck', `http://127.0.0.1:${await portOf(server)}`, server)
}

async function startRedisSide(): Promise<Subject> {
  const started: Process[] = []
  const setting = {
    cores: undefined,
    folder: folders[1] ?? '',
    add(process: Process) {
      started.push(process)
      return process
    },
  }
  const port = await startRedis(setting, 'disk')
  const [server] = started
  if (server === undefined) throw new Error('Redis did not start')
  return await startSubject('redis', String(port), server)
}

async function startSubject(side: Side, where: string, server: Process): Promise<Subject> {
  const program = fileURLToPath(new URL('./subject.ts', import.meta.url))
  const child = spawn(process.execPath, [program, side, where], {
    env: {
      PATH: process.env['PATH'],
      // As in production: Express leaves out its aids for debugging.
      NODE_ENV: 'production',
      COATCHECK_API_KEY: KEY,
      CLIENT_PACKAGES: `${CLIENT_PACKAGES}package.json`,
    },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  process.on('exit', () => child.kill('SIGKILL'))
  const [text] = (await once(child.stdout ?? child, 'data')) as [Buffer]
  const port = Number(/:(\d+)\n/.exec(String(text))?.[1])
  const pages = await openPageLoad(port)
  for (const path of ['/read', '/change']) await pages.run(path, 16, WARM_UP_PAGES)
  return { child, server, pages }
}

function renderLine(cells: readonly string[]): string {
  const [first = '', ...others] = cells
  const line = others.map((cell, at) => cell.padStart(Math.max(8, TITLES[at + 1]?.length ?? 0)))
  return `${first.padEnd(30)} ${line.join('  ')}\n`
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? NaN
}
