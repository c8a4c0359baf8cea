/** Flask's pages under load: what the application and its store need for one. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findMissingPrograms } from '../../contenders/redis.ts'
import { type HttpRequest, ask, findHeader, get, isSuccess } from '../../load/http-request.ts'
import { findLoadGenerator } from '../../load/load-generator.ts'
import { chooseCores } from '../../machine/cores.ts'
import { findProgram } from '../../machine/find-program.ts'
import {
  endProcess,
  findFreePort,
  makeFolder,
  portOf,
  type Process,
  removeFolder,
  runToEnd,
  startProcess,
  waitForPort,
} from '../../machine/processes.ts'
import { readUsage } from '../../machine/process-usage.ts'

export type Plan = {
  readonly rounds: number
  readonly seconds: number
  readonly connections: number
  readonly tell: (progress: string) => void
}

/** Of one page with one kind of sessions: medians of the rounds, times in microseconds for one request. */
export type PageFigures = {
  readonly page: string
  readonly sessions: string
  readonly applicationUs: number
  readonly storeUs: number
  readonly p50Us: number
  readonly perSecond: number
  /** As multiples of the other kind's in the same round, their medians: CPU of the application, of both
   * processes, and the p50. */
  readonly applicationRatio: number
  readonly bothRatio: number
  readonly p50Ratio: number
}

const PAGES = ['/read', '/change'] as const
const SESSIONS = 32
const WARM_UP_SECONDS = 2
const CHECK_LIMIT_MS = 20_000
/** Workers and threads as many sites have them; connections that are kept, as behind a proxy. */
const GUNICORN = [
  '--worker-class',
  'gthread',
  '--workers',
  '2',
  '--threads',
  '8',
  '--keep-alive',
  '75',
]

const HERE = fileURLToPath(new URL('.', import.meta.url))
const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))
const API_KEY = 'ck_of_the_python_bench_0123456789'
const PYTHON = {
  PYTHONPATH: [join(ROOT, 'lib/clients/python'), HERE].join(':'),
  PYTHONDONTWRITEBYTECODE: '1',
}

type Contender = {
  readonly sessions: string
  /** Starts the store; resolves with it and with what the application is to be told of it. */
  readonly startStore: (
    folder: string,
    cores: string | undefined,
  ) => Promise<{ readonly store: Process; readonly env: NodeJS.ProcessEnv }>
}

type Site = {
  readonly sessions: string
  readonly port: number
  readonly store: Process
  readonly application: Process
  readonly cookies: readonly string[]
  readonly end: () => Promise<void>
}

type Sample = Pick<PageFigures, 'applicationUs' | 'storeUs' | 'p50Us' | 'perSecond'>

const COATCHECK: Contender = {
  sessions: 'coatcheck',
  async startStore(folder, cores) {
    const { nodeFlags } = await import('../../../../lib/program/node-flags.js')
    const program = [process.execPath, ...nodeFlags, join(ROOT, 'server.ts')]
    const settings = ['--port', '0', '--data', join(folder, 'sessions.db')]
    const env = { COATCHECK_API_KEY: API_KEY }
    const store = startProcess([...program, ...settings], { cores, env })
    return { store, env: { ...env, COATCHECK_URL: `http://127.0.0.1:${await portOf(store)}` } }
  },
}

const REDIS: Contender = {
  sessions: 'redis',
  async startStore(folder, cores) {
    const port = await findFreePort()
    const program = [findProgram('redis-server') ?? 'redis-server', '--port', String(port)]
    const durable = ['--appendonly', 'yes', '--appendfsync', 'always']
    const quiet = ['--save', '', '--auto-aof-rewrite-percentage', '0', '--bind', '127.0.0.1']
    const store = startProcess([...program, '--dir', folder, ...durable, ...quiet], { cores })
    await waitForPort(store, port)
    return { store, env: { REDIS_PORT: String(port) } }
  },
}

/** Throws where something is missing, and at the first answer that is wrong. */
export async function measureFlask(plan: Plan): Promise<readonly PageFigures[]> {
  const packages = 'gunicorn python3-flask python3-redis'
  const missing = findMissingPrograms({ gunicorn: packages, 'redis-server': 'redis-server' })
  if (missing !== undefined) throw new Error(`Cannot measure Flask: ${missing}`)
  const generator = findLoadGenerator()
  if (generator === undefined) throw new Error('Cannot measure Flask: install wrk')
  const cores = chooseCores(undefined, undefined)

  const sites: Site[] = []
  const folder = makeFolder()
  try {
    for (const contender of [COATCHECK, REDIS]) sites.push(await startSite(contender, cores.server))
    const figures: PageFigures[] = []
    for (const page of PAGES) {
      const samples = new Map<Site, Sample[]>(sites.map((site) => [site, []]))
      for (let round = 0; round <= plan.rounds; round++) {
        plan.tell(`${page}: ${round === 0 ? 'warm-up' : `round ${round} of ${plan.rounds}`}`)
        // In turns, so that neither is always the first.
        for (const site of round % 2 === 0 ? sites : sites.toReversed()) {
          const { application, store, port, cookies } = site
          const requests = cookies.map((cookie) => get(page, { Cookie: cookie }))
          const seconds = round === 0 ? WARM_UP_SECONDS : plan.seconds
          const before = [application, store].map(({ pid }) => readUsage([pid]).cpuUs)
          const result = await generator.run({
            ...{ port, requests, seconds, folder },
            ...{ connections: plan.connections, cores: cores.load },
          })
          const after = [application, store].map(({ pid }) => readUsage([pid]).cpuUs)
          if (result.errors > 0 || result.requests === 0) {
            throw new Error(`${site.sessions}: ${result.errors} of ${result.requests} failed`)
          }
          const [applicationUs = 0, storeUs = 0] = after.map(
            (cpuUs, at) => (cpuUs - (before[at] ?? 0)) / result.requests,
          )
          const sample = { p50Us: result.p50Us, perSecond: result.requestsPerSecond }
          if (round > 0) samples.get(site)?.push({ applicationUs, storeUs, ...sample })
        }
      }
      for (const site of sites) figures.push(figuresOf(page, site, sites, samples))
    }
    return figures
  } finally {
    for (const site of sites) await site.end()
    removeFolder(folder)
  }
}

export function renderPages(figures: readonly PageFigures[]): string {
  const rows = figures.map((one) => [
    one.page,
    one.sessions,
    one.applicationUs.toFixed(0),
    one.storeUs.toFixed(0),
    (one.applicationUs + one.storeUs).toFixed(0),
    one.p50Us.toFixed(0),
    one.perSecond.toFixed(0),
    one.applicationRatio.toFixed(2),
    one.bothRatio.toFixed(2),
    one.p50Ratio.toFixed(2),
  ])
  const head = [
    ...['Flask page', 'sessions', 'CPU app', 'CPU store', 'both', 'p50', '/s'],
    ...['× app', '× both', '× p50'],
  ]
  const widths = head.map((name, at) =>
    Math.max(name.length, ...rows.map((row) => row[at]?.length ?? 0)),
  )
  return [head, ...rows]
    .map((row) => row.map((cell, at) => cell.padStart(widths[at] ?? 0)).join('  '))
    .join('\n')
}

function figuresOf(
  page: string,
  site: Site,
  sites: readonly Site[],
  samples: ReadonlyMap<Site, readonly Sample[]>,
): PageFigures {
  const own = samples.get(site) ?? []
  const others = samples.get(sites.find((other) => other !== site) ?? site) ?? []
  const ratio = (of: (sample: Sample) => number): number =>
    median(own.map((sample, at) => of(sample) / of(others[at] ?? sample)))
  return {
    page,
    sessions: site.sessions,
    applicationUs: median(own.map(({ applicationUs }) => applicationUs)),
    storeUs: median(own.map(({ storeUs }) => storeUs)),
    p50Us: median(own.map(({ p50Us }) => p50Us)),
    perSecond: median(own.map(({ perSecond }) => perSecond)),
    applicationRatio: ratio(({ applicationUs }) => applicationUs),
    bothRatio: ratio(({ applicationUs, storeUs }) => applicationUs + storeUs),
    p50Ratio: ratio(({ p50Us }) => p50Us),
  }
}

async function startSite(
  { sessions, startStore }: Contender,
  cores: string | undefined,
): Promise<Site> {
  const folder = makeFolder()
  const processes: Process[] = []
  async function end(): Promise<void> {
    for (const process of processes.toReversed()) await endProcess(process)
    removeFolder(folder)
  }
  try {
    const { store, env: storeEnv } = await startStore(folder, cores)
    processes.push(store)
    const env = { ...PYTHON, ...storeEnv, SESSIONS: sessions }
    const gunicorn = [findProgram('gunicorn') ?? 'gunicorn', '--chdir', HERE, 'flask_pages:app']
    await runToEnd([...gunicorn, '--check-config'], { env, limitMs: CHECK_LIMIT_MS })
    const port = await findFreePort()
    const command = [...gunicorn, ...GUNICORN, '--bind', `127.0.0.1:${port}`]
    const application = startProcess(command, { cores, env })
    processes.push(application)
    await waitForPort(application, port)
    return { sessions, port, store, application, cookies: await logIn(port), end }
  } catch (error) {
    await end()
    throw new Error(`Cannot start Flask with ${sessions}: ${(error as Error).message}`, {
      cause: error,
    })
  }
}

/** The cookies of new sessions, each of which keeps what a page changes. */
async function logIn(port: number): Promise<readonly string[]> {
  const ask1 = async (request: HttpRequest) => {
    const [answer] = await ask(port, [request], { maxSockets: 1 })
    if (answer === undefined || !isSuccess(answer)) throw new Error(`It answered ${answer?.status}`)
    return answer
  }
  const cookies: string[] = []
  for (let count = 0; count < SESSIONS; count++) {
    const answer = await ask1(get('/login'))
    cookies.push(findHeader(answer, 'set-cookie')?.split(';', 1)[0] ?? '')
  }
  const cookie = { Cookie: cookies[0] ?? '' }
  for (const [page, visits] of [
    ['/read', 0],
    ['/change', 1],
    ['/read', 1],
  ] as const) {
    const { body } = await ask1(get(page, cookie))
    if (!body.endsWith(`here ${visits} times`)) throw new Error(`${page} answered ${body}`)
  }
  return cookies
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2
}
