/** One session of a running server, and all that is done to it, for the checker. */
import type { EndReason } from '../../../../lib/session/session.ts'
import { API_KEY } from '../../../kit/process/open-server.ts'
import { type DataModel, renderModel } from '../../../kit/store/session-data-model.ts'
import type { Fleet } from '../server/fleet.ts'
import { checkLinearizability } from './linearizability.ts'
import {
  type Opener,
  readCallAnswer,
  readCreated,
  readOpener,
  renderRequest,
} from '../clients/session-requests.ts'
import {
  type Call,
  type CallAnswer,
  type RecordedCall,
  specifySession,
  type Step,
} from './session-specification.ts'

export type SessionHistory = {
  /** By `performance.now()`: as the server has told it at creation, between these two moments. */
  readonly expiresAt: readonly [earliest: number, latest: number]
  /** Those whose token is known, the newest last. */
  generations(): readonly number[]
  /** Does one step and takes note of it. The signal cuts its connection. */
  perform(call: Omit<Call, 'step'>, step: Wanted, signal?: AbortSignal): Promise<CallAnswer>
  /** Takes note that its time was up at some moment from one to the other. */
  noteExpiry(reason: EndReason, from: number, to: number): void
  size(): number
  /** Why no order explains what was answered; undefined where one does. */
  findViolation(): string | undefined
}

/** The history numbers the renewals. */
export type Wanted = Exclude<Step, { name: 'renew' | 'expire' }> | { readonly name: 'renew' }

type Kept = { readonly call: Call; readonly answer: CallAnswer } & (
  | { readonly calledAt: number; readonly returnedAt: number }
  | { readonly calledAt: number; readonly life: number }
)

/** Creates a session with this data, as a back end; `body` has more of what it is to be. */
export async function beginHistory(
  fleet: Fleet,
  data: DataModel,
  body: Readonly<Record<string, unknown>> = {},
): Promise<SessionHistory> {
  const { opener, expiresAt } = await create(fleet, data, body)
  const openers = new Map([[0, opener]])
  const kept: Kept[] = []
  let renewals = 0

  return {
    expiresAt,
    generations: () => [...openers.keys()],

    async perform(who, wanted, signal) {
      const step = wanted.name === 'renew' ? { ...wanted, to: ++renewals } : wanted
      const call = { ...who, step }
      const opener = openers.get(call.generation)
      if (opener === undefined) throw new Error(`Nobody knows token ${call.generation}`)
      const { line, sent } = renderRequest(call, opener)
      const exchange = await fleet.exchange(line, { ...sent, ...(signal && { signal }) })
      const { answer: answered, calledAt, returnedAt, life } = exchange
      const answer = answered ? readCallAnswer(call, answered) : ({ kind: 'unknown' } as const)
      if (answer.kind === 'unknown') {
        // A read of which nobody heard tells nothing.
        if (step.name !== 'read' && step.name !== 'get') kept.push({ call, answer, calledAt, life })
        return answer
      }
      kept.push({ call, answer, calledAt, returnedAt })
      if (step.name === 'renew' && answer.kind === 'done' && answered !== undefined) {
        openers.set(step.to, readOpener(call, answered))
      }
      return answer
    },

    noteExpiry(reason, from, to) {
      const call = { generation: 0, by: 'back end', step: { name: 'expire', reason } } as const
      kept.push({ call, answer: { kind: 'done' }, calledAt: from, returnedAt: to })
    },

    size: () => kept.length,

    findViolation() {
      const history = kept.map((one): RecordedCall => {
        return 'life' in one ? { ...one, returnedAt: fleet.endOf(one.life) } : one
      })
      const verdict = checkLinearizability(history, specifySession(data))
      if (verdict.isLinearizable) return undefined
      const { explained, state, unexplained } = verdict
      const { version, end = 'live' } = state
      return (
        `no order explains the ${history.length} answers about session ${opener.id}: ` +
        `after ${explained.length} of them it is at version ${version}, ${end}, ` +
        `with ${renderModel(state.data)}; then none of these can be: ` +
        unexplained.map(describe).join(' | ')
      )
    },
  }
}

async function create(
  fleet: Fleet,
  data: DataModel,
  more: Readonly<Record<string, unknown>>,
): Promise<{ opener: Opener; expiresAt: SessionHistory['expiresAt'] }> {
  const body = JSON.stringify({ ...more, data: JSON.parse(renderModel(data)) })
  for (;;) {
    const { answer } = await fleet.exchange('POST /sessions', { key: API_KEY, body })
    // Killed meanwhile: if it is there, it is one of which nobody knows.
    if (answer === undefined) continue
    if (answer.status !== 201) throw new Error(`Cannot create a session: ${answer.body}`)
    const { expiresAt }: { expiresAt: string } = JSON.parse(answer.body)
    return { opener: readCreated(answer.body), expiresAt: momentOf(expiresAt) }
  }
}

/** The two clocks may part by this much until then. */
const DRIFT_MS = 1

/** `Date.now()` is a whole number of milliseconds, and a while may pass around it. */
function momentOf(time: string): SessionHistory['expiresAt'] {
  const before = performance.now()
  const left = Date.parse(time) - Date.now()
  return [before + left - 1 - DRIFT_MS, performance.now() + left + DRIFT_MS]
}

function describe({ call, answer }: RecordedCall): string {
  const { generation, by, step } = call
  return `${by} with token ${generation}: ${JSON.stringify(step)}, answered ${JSON.stringify(answer)}`
}
