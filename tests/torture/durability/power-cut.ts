/**
 * The power fails, at every answer: an answer 2xx must be on disk when it leaves, and the file whole.
 *
 * The system calls of the real server under load are recorded, and from them, for each moment at
 * which an answer left, the folder as the disk may then have it: what was synced and nothing else,
 * all that was written, and some by chance (`disk-model.ts`). SQLite opens each, and it is compared
 * with what the clients had been told up to then. Each client has sessions of its own and asks one
 * thing at a time, so what it was told is one state, or the next, which may be on its way.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { answerBeforeCommit } from '../engine/clients/answer-before-commit.ts'
import { openConnection } from '../../kit/clients/raw-http.ts'
import { createDisk, DISK_CALLS, type Survival } from '../engine/model/disk-model.ts'
import { readFileStates, type Stored } from '../engine/model/file-states.ts'
import type { Random } from '../engine/random.ts'
import { short } from '../engine/model/read-back.ts'
import {
  createSessionClient,
  shownState,
  type State,
  type Step,
} from '../engine/clients/session-client.ts'
import type { Given, Torture } from '../torture.ts'
import {
  bytesIn,
  fileNameIn,
  readTrace,
  recording,
  requireStrace,
  type TracedCall,
} from '../engine/trace.ts'

export const powerCut: Torture = {
  about: 'cuts the power at every answer, and looks for what was acknowledged',
  breakages: {
    synchronous: { seam: 'durability', by: "setPragma(database, 'synchronous', 0)" },
    'synchronous-normal': { seam: 'durability', by: "setPragma(database, 'synchronous', 1)" },
    'answer-before-commit': answerBeforeCommit(2),
  },
  run,
}

const CLIENTS = 8
const MOST_ANSWERS = 2_200
/** The rest of the time goes to what was recorded. */
const LOAD_SHARE = 0.25
const CHANCES = 2
const DATA_FILE = 'sessions.db'

/** What an answer told: a client of its own session, or anybody of a session's version. */
type Told =
  | { readonly client: Known; readonly step: Step }
  | { readonly id: string; readonly version: number }

/** What a client has been told up to a moment of the trace. */
type Known = {
  readonly name: string
  readonly states: Map<string, State>
  /** Its changes in their order; the first is the next. */
  readonly coming: Step[]
}

async function run(given: Given) {
  requireStrace()
  const folder = join(given.folder, 'data')
  const trace = join(given.folder, 'trace')
  mkdirSync(folder)
  const recorded = await recordLoad(given, join(folder, DATA_FILE), trace)
  const found = await cutAtAnswers(given, folder, trace, recorded)
  const { clients, cookies, violations } = recorded
  return {
    violations: [
      ...violations,
      ...found.violations,
      ...(found.answers > 0
        ? await startOnImage(given, clients, cookies)
        : ['no answer was found']),
    ],
    figures: found.figures,
  }
}

type Recorded = {
  readonly clients: readonly Known[]
  /** Of each port, what its answers told, in their order. */
  readonly told: ReadonlyMap<number, Told[]>
  readonly cookies: ReadonlyMap<string, string>
  readonly violations: readonly string[]
}

async function recordLoad(given: Given, data: string, trace: string): Promise<Recorded> {
  const startedAt = performance.now()
  const server = await given.spawn(['--data', data], recording(trace, DISK_CALLS.concat('sendto')))
  const key = readFileSync(`${data}.api-key`, 'utf8').trim()
  const loadEndsAt = performance.now() + (given.endsAt - startedAt) * LOAD_SHARE
  const told = new Map<number, Told[]>()
  const violations: string[] = []
  let answers = 0

  const makers = Array.from({ length: CLIENTS }, (_, n) => {
    const name = `client-${n}`
    const client = createSessionClient({ name, key, random: given.random.fork() })
    return { client, known: { name, states: new Map(), coming: [] } as Known }
  })
  const work = async ({ client, known }: (typeof makers)[number], random: Random) => {
    const connection = openConnection(server.url)
    const tell = (what: Told) => {
      answers++
      const port = connection.port()
      told.set(port, [...(told.get(port) ?? []), what])
    }
    while (performance.now() < loadEndsAt && answers < MOST_ANSWERS) {
      const other = random.pick(makers).client.anyCookie()
      if (other !== undefined && random.oneIn(6)) {
        const answer = await connection.ask('GET /session?touch=false', { cookie: other })
        const id = other.slice('sid='.length).split('.', 1)[0] ?? ''
        const version = Number(answer?.headers.get('etag')?.replaceAll('"', '') ?? 0)
        tell({ id, version })
        continue
      }
      const step = await client.step(connection)
      tell({ client: known, step })
      known.coming.push(step)
      if (step.outcome !== 'acknowledged') {
        violations.push(`${step.line} was answered ${step.heard}`)
        break
      }
    }
    connection.close()
  }
  await Promise.all(makers.map((maker) => work(maker, given.random.fork())))
  server.kill('SIGKILL')
  await server.ended
  const cookies = makers.flatMap(({ client }) => [...client.cookies])
  return {
    clients: makers.map(({ known }) => known),
    told,
    cookies: new Map(cookies),
    violations,
  }
}

async function cutAtAnswers(given: Given, folder: string, trace: string, recorded: Recorded) {
  const { clients, told } = recorded
  const disk = createDisk(folder, (name) => !/^sessions\.db(-wal|-journal)?$/.test(name))
  const seen = new Map<string, number>()
  const startedAt = performance.now()
  const total = [...told.values()].reduce((sum, { length }) => sum + length, 0)
  const violations: string[] = []
  const figures = { answers: 0, 'cut at': 0, folders: 0, missing: 0, corrupt: 0 }

  const cut = (): void => {
    figures['cut at']++
    const chances: readonly Survival[] = Array.from({ length: CHANCES }, () => given.random)
    for (const survival of ['synced', 'written', ...chances] as const) {
      figures.folders++
      const what = typeof survival === 'string' ? survival : 'torn'
      const place = `answer ${figures.answers}, ${what}`
      const image = placeImage(given, disk.cutPower(survival))
      const { corrupt, stored } = readFileStates(image)
      const missing = corrupt.length === 0 ? compare(clients, seen, stored) : []
      if (corrupt.length > 0) figures.corrupt++
      if (missing.length > 0) figures.missing++
      violations.push(...[...corrupt, ...missing].map((words) => `${place}: ${words}`))
    }
  }

  for await (const call of readTrace(trace)) {
    const port = portAnswered(call)
    const what = port === undefined ? undefined : told.get(port)?.shift()
    if (what !== undefined) {
      note(what, seen)
      // As many of the answers as there is time for, and all over the trace.
      const share = figures.answers++ / total
      const now = performance.now()
      if (now - startedAt <= share * (given.endsAt - startedAt) || figures.answers === total) cut()
    } else if (
      /^f(data)?sync$/.test(call.name) &&
      call.phase === 'begin' &&
      given.random.oneIn(20)
    ) {
      if (figures.answers > 0 && performance.now() < given.endsAt) cut()
    }
    disk.follow(call)
  }
  if (figures.answers < total) violations.push(`${total} answers came, the trace has fewer`)
  return { violations, figures, answers: figures.answers }
}

/** The client's port, where the call is one that begins to send an answer. */
function portAnswered({ phase, name, args }: TracedCall): number | undefined {
  if (phase !== 'begin' || !/^(write|writev|sendto)$/.test(name)) return undefined
  const port = /^TCP.*->.*:(\d+)\]$/.exec(fileNameIn(args))?.[1]
  if (port === undefined || !bytesIn(args).toString('latin1').startsWith('HTTP/1.1 ')) return
  return Number(port)
}

function note(what: Told, seen: Map<string, number>): void {
  if ('id' in what) {
    seen.set(what.id, Math.max(what.version, seen.get(what.id) ?? 0))
    return
  }
  const { states, coming } = what.client
  coming.shift()
  for (const [id, state] of what.step.changes) states.set(id, state)
}

function placeImage({ folder }: Given, files: ReadonlyMap<string, Buffer>): string {
  const image = join(folder, 'image')
  rmSync(image, { recursive: true, force: true })
  mkdirSync(image)
  for (const [name, bytes] of files) writeFileSync(join(image, name), bytes)
  return join(image, DATA_FILE)
}

/** All of what each client was told, or that and all of what it asked for next. */
function compare(
  clients: readonly Known[],
  seen: ReadonlyMap<string, number>,
  stored: ReadonlyMap<string, Stored>,
): string[] {
  const found: string[] = []
  let expected = 0
  for (const { name, states, coming } of clients) {
    const [next] = coming
    const later = new Map([...states, ...(next?.changes ?? [])])
    const holds = (world: ReadonlyMap<string, State>) =>
      [...later.keys()].every((id) => stored.get(id)?.state === world.get(id))
    if (holds(later)) {
      expected += later.size
    } else if (holds(states)) {
      expected += states.size
    } else {
      const missing = differences(states, stored)
      if (missing.length === 0) missing.push(`only a part of ${next?.line} is there`)
      found.push(...missing.map((words) => `${name}: ${words}`))
    }
  }
  if (found.length === 0 && stored.size !== expected) {
    found.push(`${stored.size} sessions are there, ${expected} were made`)
  }
  for (const [id, version] of seen) {
    const now = stored.get(id)
    if (now === undefined || (now.version > 0 && now.version < version)) {
      found.push(`version ${version} of ${id} was shown, there is ${now?.version ?? 'none'}`)
    }
  }
  return found
}

function differences(
  states: ReadonlyMap<string, State>,
  stored: ReadonlyMap<string, Stored>,
): string[] {
  return [...states].flatMap(([id, state]) => {
    const found = stored.get(id)?.state ?? 'nothing'
    return found === state ? [] : [`${id} is ${short(found)}, it must be ${short(state)}`]
  })
}

/** The server itself starts on the last folder, and shows what it has. */
async function startOnImage(
  given: Given,
  clients: readonly Known[],
  cookies: ReadonlyMap<string, string>,
): Promise<string[]> {
  try {
    const server = await given.spawn(['--data', join(given.folder, 'image', DATA_FILE)])
    const connection = openConnection(server.url)
    const violations: string[] = []
    for (const { name, states } of clients) {
      const [id = '', state = ''] = [...states].at(-1) ?? []
      const cookie = cookies.get(id) ?? ''
      const answer = await connection.ask('GET /session?touch=false', { cookie })
      const shown = answer === undefined ? 'closed' : shownState(answer)
      if (shown !== state) {
        violations.push(`${name}: the server shows ${id} as ${short(shown)}, not ${short(state)}`)
      }
    }
    connection.close()
    server.kill('SIGTERM')
    await server.ended
    return violations
  } catch (error) {
    return [`the server does not start on what is left: ${String(error)}`]
  }
}
