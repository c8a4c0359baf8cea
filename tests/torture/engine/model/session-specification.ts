/** What one session does when it is asked one thing after the other, whoever asks. */
import type { Precondition } from '../../../../lib/session/precondition.ts'
import type { EndReason } from '../../../../lib/session/session.ts'
import {
  applyToModel,
  canonical,
  type DataModel,
  type DataOperation,
  renderModel,
} from '../../../kit/store/session-data-model.ts'
import type { Specification, Timed } from './linearizability.ts'

/** What somebody does to a session, with which of its tokens. */
export type Call = {
  /** The session has another id and token since each renewal: those of which number, 0 for the first. */
  readonly generation: number
  readonly by: 'holder' | 'back end'
  readonly step: Step
}

export type Step =
  | (DataOperation & { readonly when?: Precondition })
  | { readonly name: 'get'; readonly key: string }
  | { readonly name: 'read' }
  | { readonly name: 'renew'; readonly to: number }
  | { readonly name: 'end' }
  /** Nobody's: time is up. */
  | { readonly name: 'expire'; readonly reason: EndReason }

export type CallAnswer =
  /** `version`: as the `ETag` says; `value`: as canonical JSON. */
  | { readonly kind: 'done'; readonly version?: number; readonly value?: string }
  | { readonly kind: 'refused'; readonly code: string }
  | { readonly kind: 'ended'; readonly reason: string }
  /** Too late for this session, a write has begun another. */
  | { readonly kind: 'elsewhere' }
  | { readonly kind: 'unknown' }

export type RecordedCall = Timed & { readonly call: Call; readonly answer: CallAnswer }

export type SessionState = {
  readonly generation: number
  readonly end: EndReason | undefined
  readonly version: number
  readonly data: DataModel
}

/** The writes of a holder that begin a session where there is none. */
const BEGINNING: ReadonlySet<Step['name']> = new Set([
  'set',
  'increment',
  'append',
  'merge',
  'update',
])

/** A session that has just been created with this data. */
export function specifySession(data: DataModel): Specification<SessionState, RecordedCall> {
  return {
    initial: { generation: 0, end: undefined, version: 1, data },
    next(state, { call, answer }) {
      const { after, answer: expected } = perform(state, call)
      if (answer.kind === 'unknown') return after === state ? [state] : [after, state]
      return sameAnswer(answer, expected) ? [after] : []
    },
    keyOf: ({ generation, end = '', version, data }) =>
      `${generation} ${end} ${version} ${renderModel(data)}`,
  }
}

type Performed = { readonly after: SessionState; readonly answer: CallAnswer }

function perform(state: SessionState, { generation, by, step }: Call): Performed {
  if (step.name === 'expire') {
    const end = state.end ?? step.reason
    return { after: end === state.end ? state : { ...state, end }, answer: { kind: 'done' } }
  }
  const end = generation === state.generation ? state.end : 'renewed'
  if (end !== undefined) return { after: state, answer: answerDead(by, step, end) }
  if ('when' in step && !holds(step.when, step, state)) {
    return { after: state, answer: { kind: 'refused', code: 'precondition_failed' } }
  }

  const { version, data } = state
  switch (step.name) {
    case 'get': {
      const value = data.get(step.key)
      if (value === undefined) {
        return { after: state, answer: { kind: 'refused', code: 'key_not_found' } }
      }
      return { after: state, answer: { kind: 'done', version, value: canonical(value) } }
    }
    case 'read':
      return { after: state, answer: { kind: 'done', version, value: wholeOf(data) } }
    case 'end': {
      const reason = by === 'holder' ? 'logout' : 'revoked'
      return { after: { ...state, end: reason }, answer: { kind: 'done' } }
    }
    case 'renew': {
      const after = { ...state, generation: step.to, version: version + 1 }
      return { after, answer: { kind: 'done', version: after.version } }
    }
    default: {
      const { model, value, refused } = applyToModel(data, step)
      if (refused !== undefined) return { after: state, answer: { kind: 'refused', code: refused } }
      const isConditional = 'when' in step && step.when?.required !== undefined
      const isSame = !isConditional && renderModel(model) === renderModel(data)
      const after = isSame ? state : { ...state, data: model, version: version + 1 }
      const shown = step.name === 'update' ? wholeOf(model) : value && canonical(value)
      const done = { kind: 'done', version: after.version } as const
      return { after, answer: shown === undefined ? done : { ...done, value: shown } }
    }
  }
}

function answerDead(by: Call['by'], step: Step, reason: EndReason): CallAnswer {
  const begins = by === 'holder' && BEGINNING.has(step.name) && reason !== 'renewed'
  if (!begins) return { kind: 'ended', reason }
  // What is not there matches no tag, and is not there.
  if ('when' in step && step.when?.required !== undefined) {
    return { kind: 'refused', code: 'precondition_failed' }
  }
  return { kind: 'elsewhere' }
}

/** RFC 9110 section 13.1, of the key where the step names one, else of the session. */
function holds(when: Precondition | undefined, step: Step, state: SessionState): boolean {
  const exists = 'key' in step ? state.data.has(step.key) : true
  const tag = String(state.version)
  const { required, excluded } = when ?? {}
  const matches = (tags: typeof required) => (tags === '*' ? exists : tags?.includes(tag))
  return (matches(required) ?? true) && !(matches(excluded) ?? false)
}

function wholeOf(data: DataModel): string {
  return canonical(renderModel(data))
}

function sameAnswer(one: CallAnswer, other: CallAnswer): boolean {
  return JSON.stringify(Object.entries(one).sort()) === JSON.stringify(Object.entries(other).sort())
}
