/** The rounds of one operation: every contender in turn, so that what else the machine does hits all. */
import { setTimeout as wait } from 'node:timers/promises'
import {
  type Contender,
  findDifference,
  type RunningContender,
  type Setting,
  startContender,
} from './contenders/contender.ts'
import { coatcheck } from './contenders/coatcheck.ts'
import type { Cores } from './machine/cores.ts'
import { ask, type HttpAnswer, isSuccess } from './load/http-request.ts'
import type { LoadGenerator, LoadResult } from './load/load-generator.ts'
import { askOne, type Operation, type OperationName } from './data/operations.ts'
import { makeFolder, removeFolder } from './machine/processes.ts'
import { readExactCpuUs, readUsage } from './machine/process-usage.ts'
import type { SessionApi } from './data/session-api.ts'

/** After a round, until a contender is done with the last requests of it. */
const SETTLING_MS = 300

export type Plan = {
  readonly rounds: number
  readonly seconds: number
  readonly warmUpSeconds: number
  readonly connections: number
  readonly sessions: number
  readonly cores: Cores
  readonly generator: LoadGenerator
  readonly tell: (progress: string) => void
}

export type Sample = Omit<LoadResult, 'errors' | 'requests'> & {
  readonly cpuUs: number
  /** Of the database servers beside it; 0 where there is none. */
  readonly databaseUs: number
  readonly residentBytes: number
}

/** Of each contender a sample for each round, in the order of the rounds. */
export type Samples = ReadonlyMap<Contender, readonly Sample[]>

type Ready = RunningContender & { readonly sessions: readonly string[] }

/** Throws at the first answer that is wrong: a contender that fails must not look fast. */
export async function measure(
  operation: Operation,
  contenders: readonly Contender[],
  plan: Plan,
): Promise<Samples> {
  const answer = await recordAnswer(operation, plan)
  const folder = makeFolder()
  const running: RunningContender[] = []
  try {
    const ready: Ready[] = []
    for (const contender of contenders) {
      plan.tell(`${operation.title}: starting ${contender.name}`)
      const setting = { cores: plan.cores.server, operation: operation.name, answer }
      const started = await startContender(contender, setting)
      running.push(started)
      ready.push({ ...started, sessions: await signInAt(started, plan) })
    }
    return await runRounds(operation, ready, answer, folder, plan)
  } finally {
    for (const { end } of running) await end()
    removeFolder(folder)
  }
}

/** Each contender's samples; the first round, number 0, warms up and is not kept. */
async function runRounds(
  operation: Operation,
  ready: readonly Ready[],
  answer: HttpAnswer,
  folder: string,
  plan: Plan,
): Promise<Samples> {
  const samples = new Map(ready.map(({ contender }) => [contender, new Array<Sample>()]))
  for (let round = 0; round <= plan.rounds; round++) {
    plan.tell(`${operation.title}: ${round === 0 ? 'warm-up' : `round ${round} of ${plan.rounds}`}`)
    for (const one of ready) {
      await check(operation, one, answer)
      const sample = await runRound(operation, one, round, folder, plan)
      // Webdis has been seen to give the next client what one that has gone was to get.
      await wait(SETTLING_MS)
      await check(operation, one, answer)
      if (round > 0) samples.get(one.contender)?.push(sample)
    }
  }
  return samples
}

async function runRound(
  operation: Operation,
  { contender, port, pids, databasePids, sessions }: Ready,
  round: number,
  folder: string,
  { connections, seconds, warmUpSeconds, cores, generator }: Plan,
): Promise<Sample> {
  const requests = operation.requests(contender.api, sessions, round)
  const load = { port, requests, connections, cores: cores.load, folder }
  const before = readUsage(pids)
  const databaseUs = readExactCpuUs(databasePids)
  const { errors, ...result } = await generator.run({
    ...load,
    seconds: round === 0 ? warmUpSeconds : seconds,
  })
  const after = readUsage(pids)
  if (errors > 0 || result.requests === 0) {
    throw failure(operation, contender, `${errors} of ${result.requests} requests failed`)
  }
  return {
    ...result,
    cpuUs: (after.cpuUs - before.cpuUs) / result.requests,
    databaseUs: (readExactCpuUs(databasePids) - databaseUs) / result.requests,
    residentBytes: after.residentBytes,
  }
}

async function check(operation: Operation, ready: Ready, wanted: HttpAnswer): Promise<void> {
  const { contender, port, sessions } = ready
  const fault = contender.isFloor
    ? findDifference(await askOne(port, firstRequest(operation, contender.api, sessions)), wanted)
    : await operation.findFault(port, contender.api, sessions[0] ?? '')
  if (fault !== undefined) throw failure(operation, contender, fault)
}

/** A floor keeps no sessions: to it any cookie of the right length is as good. */
async function signInAt({ contender, port }: RunningContender, plan: Plan): Promise<string[]> {
  const count = plan.sessions
  if (contender.isFloor) return Array.from({ length: count }, () => `sid=${'x'.repeat(65)}`)
  return await signIn(contender, port, count, plan.connections)
}

async function signIn(
  { name, api }: Contender,
  port: number,
  count: number,
  connections: number,
): Promise<string[]> {
  const requests = Array.from({ length: count }, () => api.signIn())
  // Each over a connection of its own, as users come: what they leave behind is there in the rounds.
  const answers = await ask(port, requests, { maxSockets: connections })
  return requests.map((request, at) => {
    const answer = answers[at]
    const session =
      answer !== undefined && isSuccess(answer) ? api.readSession(answer, request) : undefined
    if (session === undefined) {
      throw new Error(`Cannot sign in at ${name}: it answered ${answer?.status} ${answer?.body}`)
    }
    return session
  })
}

/** What Coatcheck answers to the operation, for the floors to repeat. */
async function recordAnswer(operation: Operation, plan: Plan): Promise<HttpAnswer> {
  const none: HttpAnswer = { status: 0, headers: [], body: '' }
  const setting: Pick<Setting, 'cores' | 'operation' | 'answer'> = {
    cores: plan.cores.server,
    operation: operation.name,
    answer: none,
  }
  const { port, end } = await startContender(coatcheck, setting)
  try {
    const sessions = await signIn(coatcheck, port, 1, 1)
    return await askOne(port, firstRequest(operation, coatcheck.api, sessions))
  } finally {
    await end()
  }
}

function firstRequest(operation: Operation, api: SessionApi, sessions: readonly string[]) {
  const [request] = operation.requests(api, sessions, 0)
  if (request === undefined) throw new Error(`There is no request for ${operation.name}`)
  return request
}

function failure({ name }: { name: OperationName }, contender: Contender, what: string): Error {
  return new Error(`${contender.name} fails at ${name}: ${what}`)
}
