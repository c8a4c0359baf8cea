/** What takes part: a server, how it is started, and what its writes promise. */
import { findHeader, type HttpAnswer } from '../load/http-request.ts'
import type { OperationName } from '../data/operations.ts'
import { endProcess, makeFolder, type Process, removeFolder } from '../machine/processes.ts'
import type { SessionApi } from '../data/session-api.ts'

export type Contender = {
  /** For the command line. */
  readonly name: string
  /** For the table. */
  readonly title: string
  /** Where a session is once its write is answered; absent where there are no sessions. */
  readonly keptIn?: 'disk' | 'memory'
  readonly api: SessionApi
  /** Its answers are another's, so that nothing can be read back. */
  readonly isFloor?: true
  /** What to install before it can take part; undefined where all is there. */
  readonly findMissing: () => Promise<string | undefined>
  /** Starts its processes one by one; each is told as soon as it runs. Resolves with the port. */
  readonly start: (setting: Setting) => Promise<number>
}

export type Setting = {
  readonly cores: string | undefined
  /** Of its own, empty, for its files. */
  readonly folder: string
  readonly operation: OperationName
  /** Coatcheck's answer to the operation, which the floors repeat. */
  readonly answer: HttpAnswer
  /** Takes note of a process of the contender, which then counts and will be ended. */
  readonly add: (process: Process) => Process
  /** Takes note of a database server beside it, which counts by itself and will be stopped. */
  readonly addDatabase: (database: DatabaseServer) => void
}

export type DatabaseServer = { readonly pid: number; readonly stop: () => Promise<void> }

export type RunningContender = {
  readonly contender: Contender
  readonly port: number
  readonly pids: readonly number[]
  /** Of the database servers beside it; none where its database is a part of it. */
  readonly databasePids: readonly number[]
  readonly end: () => Promise<void>
}

/** Resolves once it listens; where it does not, nothing of it is left. */
export async function startContender(
  contender: Contender,
  setting: Pick<Setting, 'cores' | 'operation' | 'answer'>,
): Promise<RunningContender> {
  const folder = makeFolder()
  const processes: Process[] = []
  const databases: DatabaseServer[] = []
  async function end(): Promise<void> {
    // The last first: a server before the database behind it.
    for (const process of processes.toReversed()) await endProcess(process)
    for (const database of databases) await database.stop()
    removeFolder(folder)
  }
  try {
    const port = await contender.start({
      ...setting,
      folder,
      add(process) {
        processes.push(process)
        return process
      },
      addDatabase: (database) => void databases.push(database),
    })
    const [pids, databasePids] = [processes, databases].map((all) => all.map(({ pid }) => pid))
    return { contender, port, pids: pids ?? [], databasePids: databasePids ?? [], end }
  } catch (error) {
    await end()
    throw new Error(`Cannot start ${contender.name}: ${(error as Error).message}`, { cause: error })
  }
}

/** What tells the floor's answer from the one that it repeats; undefined where nothing does. */
export function findDifference(answer: HttpAnswer, wanted: HttpAnswer): string | undefined {
  const [given, expected] = [answer, wanted].map(({ status, headers, body }) =>
    [status, ...headers.map(renderHeader).sort(), body].join('\n'),
  )
  return given === expected ? undefined : `expected\n${expected}\ngot\n${given}`
}

/** The time until which a connection stays open, as the answer says it. */
export function keepAliveMsOf(answer: HttpAnswer): number {
  const seconds = /timeout=(\d+)/.exec(findHeader(answer, 'keep-alive') ?? '')?.[1]
  return Number(seconds ?? 5) * 1000
}

/** The date goes on while we compare; the case of a name costs nothing. */
function renderHeader([name, value]: readonly [string, string]): string {
  const lower = name.toLowerCase()
  return lower === 'date' ? lower : `${lower}: ${value}`
}
