/**
 * A disk that fails: one system call of the server after the other answers EIO, ENOSPC or EFBIG, at
 * the k-th time, once or from then on, which strace makes up. The call is not made then.
 *
 * - After a sync that failed nothing is acknowledged that was asked for later, and the process ends
 *   by itself with exit code 74. (The sync of a folder is left out: SQLite does not look at it.)
 * - What waits hears 503 `outcome_unknown`, what comes later 503 `storage_failed`; and 507
 *   `storage_full`, after which work goes on, only of a write for which there was no space.
 * - After a restart the file is whole, what was acknowledged is there, what was refused is not.
 * - A server that cannot start for it says so, with exit code 74.
 *
 * `fsync` and `fdatasync` are one kind: which of them is called is SQLite's choice when it is built.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { EXIT } from '../../../lib/command-line/exit-codes.ts'
import type { Ended, RunningServer } from '../../kit/process/spawn-server.ts'
import { openConnection } from '../../kit/clients/raw-http.ts'
import { readFileStates } from '../engine/model/file-states.ts'
import { readBack } from '../engine/model/read-back.ts'
import {
  createSessionClient,
  type SessionClient,
  type Step,
} from '../engine/clients/session-client.ts'
import type { Given, Torture } from '../torture.ts'
import { failuresIn, injecting, type MadeFailure, requireStrace } from '../engine/trace.ts'

export const failingDisk: Torture = {
  about: 'lets writes and syncs of the disk fail, and looks for what is acknowledged all the same',
  breakages: {
    'commit-errors-ignored': {
      seam: 'commit',
      by: `try {
  commit.run()
} catch {
  if (database.inTransaction) rollback.run()
}`,
    },
    'takes-heart': {
      seam: 'unknown-fault',
      by: "throw refusalFor(error) ?? new CoatcheckError('storage_busy', String(error))",
    },
  },
  run,
}

const CLIENTS = 8
/** A failure that has not come by then will not come any more. */
const LOAD_MS = 1_000
const LONGEST_END_MS = 6_000

type Fault = {
  readonly calls: string
  /** And not those on its log or journal. */
  readonly onDataFile: boolean
  readonly error: string
  readonly durability: string
  /** The k-th call of a thread, and all later ones where it is for good. */
  readonly forGood: boolean
  readonly k: number
}

/** The data file itself is written to when the log is moved into it, which is not often. */
const KINDS = [
  { calls: 'pwrite64', most: 1_500, onDataFile: false },
  { calls: 'fsync,fdatasync', most: 60, onDataFile: false },
  { calls: 'fsync,fdatasync', most: 4, onDataFile: true },
  { calls: 'pwrite64', most: 300, onDataFile: true },
  { calls: 'ftruncate', most: 8, onDataFile: false },
] as const
const ERRORS = ['EIO', 'ENOSPC', 'EFBIG']

async function run(given: Given) {
  requireStrace()
  const { random, endsAt } = given
  const figures = {
    rounds: 0,
    injected: 0,
    'did not start': 0,
    'ended with 74': 0,
    acknowledged: 0,
  }
  const violations: string[] = []
  const faults = ERRORS.flatMap((error) =>
    KINDS.flatMap((kind) => [false, true].map((forGood) => ({ ...kind, error, forGood }))),
  )
  while (performance.now() < endsAt && violations.length === 0) {
    const { most, ...kind } = faults[figures.rounds % faults.length] ?? random.pick(faults)
    // Squared: what happens at the start is in the first few calls.
    const k = 1 + Math.floor(most * (random.below(1_000) / 1_000) ** 2)
    const fault: Fault = { ...kind, k, durability: random.oneIn(4) ? 'relaxed' : 'full' }
    const round = await tryFault(given, fault, `round-${figures.rounds++}`)
    const name = render(fault)
    violations.push(...round.violations.map((words) => `${name}: ${words}`))
    figures.injected += Number(round.isInjected)
    figures['did not start'] += Number(round.didNotStart)
    figures['ended with 74'] += Number(round.code === EXIT.diskFailed)
    figures.acknowledged += round.acknowledged
  }
  return { violations, figures }
}

async function tryFault(given: Given, fault: Fault, name: string) {
  const { random, folder } = given
  const data = join(folder, `${name}.db`)
  const trace = join(folder, `${name}.trace`)
  // Half of them find a file that is there.
  if (random.oneIn(2)) await stopServer(await given.spawn(['--data', data]))

  const started = await tryToStart(
    given,
    ['--data', data, '--durability', fault.durability],
    injecting(trace, injectionOf(fault), fault.onDataFile ? [data] : []),
  )
  const clients: SessionClient[] = []
  let tried: Tried = {
    steps: [],
    wrongAnswers: [],
    ended: started.ended,
    isByItself: true,
    mustEnd: true,
  }
  if (started.server !== undefined) {
    const key = readFileSync(`${data}.api-key`, 'utf8').trim()
    for (let n = 0; n < CLIENTS; n++) {
      clients.push(createSessionClient({ name: `client-${n}`, key, random: random.fork() }))
    }
    tried = await loadAndEnd(started.server, clients, fault, trace)
  }
  const failures = failuresIn(trace)
  const violations = [...tried.wrongAnswers, ...judgeEnd(tried, fault, failures)]

  const again = await tryToStart(given, ['--data', data], [])
  if (again.server === undefined) {
    violations.push(`it does not start again: ${again.ended?.stderr}`)
  } else {
    violations.push(...(await readBack(again.server.url, clients)).violations)
    await stopServer(again.server)
    violations.push(...readFileStates(data).corrupt)
  }
  return {
    violations,
    isInjected: failures.length > 0,
    didNotStart: started.server === undefined,
    code: tried.ended?.code,
    acknowledged: tried.steps.filter(({ outcome }) => outcome === 'acknowledged').length,
  }
}

type Tried = {
  readonly steps: readonly Step[]
  readonly wrongAnswers: readonly string[]
  readonly ended: Ended | undefined
  /** Nobody has told it to. */
  readonly isByItself: boolean
  readonly mustEnd: boolean
}

async function tryToStart(
  { spawn }: Given,
  args: readonly string[],
  under: readonly string[],
): Promise<{ readonly server?: RunningServer; readonly ended?: Ended }> {
  try {
    return { server: await spawn(args, under) }
  } catch (error) {
    if (!(error instanceof Error) || error.cause === undefined) throw error
    return { ended: error.cause as Ended }
  }
}

async function loadAndEnd(
  server: RunningServer,
  clients: readonly SessionClient[],
  fault: Fault,
  trace: string,
): Promise<Tried> {
  const loadEndsAt = performance.now() + LOAD_MS
  const steps: Step[] = []
  await Promise.all(
    clients.map(async (client) => {
      const connection = openConnection(server.url)
      // Each goes on for a while after a failure: the server must not take heart again.
      for (let failures = 0; failures < 20 && performance.now() < loadEndsAt;) {
        const step = await client.step(connection)
        steps.push(step)
        if (step.outcome !== 'acknowledged') failures++
      }
      connection.close()
    }),
  )
  const wrongAnswers = judgeAnswers(steps, fault, failuresIn(trace))
  const mustEnd =
    steps.some(({ heard }) => FINAL_ANSWERS.includes(heard)) ||
    syncsAmong(failuresIn(trace)).length > 0
  const limit = new AbortController()
  const isByItself = await Promise.race([
    server.ended.then(() => true),
    wait(mustEnd && wrongAnswers.length === 0 ? LONGEST_END_MS : 0, false, {
      signal: limit.signal,
    }),
  ])
  limit.abort()
  if (!isByItself) server.kill('SIGTERM')
  return { steps, wrongAnswers, ended: await server.ended, isByItself, mustEnd }
}

function judgeAnswers(
  steps: readonly Step[],
  fault: Fault,
  failures: readonly MadeFailure[],
): string[] {
  const failedAt = failures[0]?.at ?? Infinity
  const syncFailedAt = syncsAmong(failures)[0]?.at ?? Infinity
  const isFull = isNoSpace(fault)
  return steps.flatMap(({ line, heard, outcome, sentAt }) => {
    if (outcome === 'acknowledged') {
      const lateMs = sentAt - syncFailedAt
      return lateMs > 0
        ? [`${line} came ${lateMs} ms after the failure, and was answered ${heard}`]
        : []
    }
    if (heard === '507 storage_full' && isFull) return []
    if (failures.length > 0 && !isFull && FINAL_ANSWERS.includes(heard)) return []
    // An answer takes a while, and so does the way to a door that is closed by then.
    if (heard === 'closed' && sentAt > failedAt - 1) return []
    return [`${line} came ${sentAt - failedAt} ms after the failure, and heard ${heard}`]
  })
}

function judgeEnd(
  { steps, ended, isByItself, mustEnd }: Tried,
  fault: Fault,
  failures: readonly MadeFailure[],
): string[] {
  const how = `${ended?.code ?? ended?.signal}: ${ended?.stderr}`
  if (isByItself) {
    if (steps.length > 0 && isNoSpace(fault)) return [`it ended by itself with exit code ${how}`]
    return ended?.code === EXIT.diskFailed ? [] : [`it ended by itself with exit code ${how}`]
  }
  if (mustEnd) return ['it goes on, and must end by itself']
  const mayHaveFailed = failures.length > 0 && ended?.code === EXIT.diskFailed
  return ended?.code === EXIT.done || mayHaveFailed ? [] : [`it stopped with exit code ${how}`]
}

/** What a client may hear once the storage has failed. */
const FINAL_ANSWERS = ['503 outcome_unknown', '503 storage_failed']

function syncsAmong(failures: readonly MadeFailure[]): readonly MadeFailure[] {
  return failures.filter(({ call, path }) => call.endsWith('sync') && path.includes('.db'))
}

function render({ calls, onDataFile, error, forGood, k, durability }: Fault): string {
  const where = onDataFile ? ' of the data file' : ''
  return `${calls}${where}: ${error} at ${k}${forGood ? ' for good' : ''}, ${durability}`
}

/** Which is no failure: the write is refused, and work goes on. */
function isNoSpace({ calls, error }: Fault): boolean {
  return calls === 'pwrite64' && error === 'ENOSPC'
}

function injectionOf({ calls, error, forGood, k }: Fault): string {
  return `${calls}:error=${error}:when=${k}${forGood ? '+' : ''}`
}

async function stopServer(server: RunningServer): Promise<void> {
  server.kill('SIGTERM')
  const { code, stderr } = await server.ended
  if (code !== EXIT.done) throw new Error(`The server stopped with ${code}: ${stderr}`)
}
