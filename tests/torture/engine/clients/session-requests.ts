/** A step of the specification as a request over HTTP, and the answer to it as the specification has it. */
import type { Versions } from '../../../../lib/session/precondition.ts'
import type { Answer, Sent } from '../../../kit/clients/http-client.ts'
import { API_KEY } from '../../../kit/process/open-server.ts'
import { canonical } from '../../../kit/store/session-data-model.ts'
import type { Call, CallAnswer, Step } from '../model/session-specification.ts'

/** What opens a session: its id for back ends, `name=value` of its cookie for its holder. */
export type Opener = { readonly id: string; readonly cookie: string }

export type RequestLine = { readonly line: string; readonly sent: Sent }

export function renderRequest({ by, step }: Call, { id, cookie }: Opener): RequestLine {
  const base = by === 'holder' ? '/session' : `/sessions/${id}`
  const { method, path, body } = renderStep(step)
  const headers = 'when' in step ? renderConditions(step) : {}
  const shown = by === 'holder' ? { cookie } : { key: API_KEY }
  return {
    line: `${method} ${base}${path}`,
    sent: { ...shown, headers, ...(body === undefined ? {} : { body }) },
  }
}

/** What the answer says; of one that no step should have, its status and code as a refusal. */
export function readCallAnswer({ by, step }: Call, answer: Answer): CallAnswer {
  const { status, body } = answer
  if (status >= 400) return readRefusal(body)
  // No other step changes what a cookie says.
  const isElsewhere = answer.cookie !== '' && step.name !== 'renew' && step.name !== 'end'
  if (isElsewhere && by === 'holder') return { kind: 'elsewhere' }
  const tag = /^"(\d+)"$/.exec(String(answer.headers['etag']))?.[1]
  const value = readValue(step, body)
  return {
    kind: 'done',
    ...(tag === undefined ? {} : { version: Number(tag) }),
    ...(value === undefined ? {} : { value }),
  }
}

/** What opens the session from now on, in the answer to a renewal that was done. */
export function readOpener({ by }: Call, { cookie, body }: Answer): Opener {
  return by === 'holder' ? { id: idIn(cookie), cookie } : readCreated(body)
}

/** What opens the session that a back end was handed. */
export function readCreated(body: string): Opener {
  const { id, setCookie }: { id: string; setCookie: string } = JSON.parse(body)
  return { id, cookie: setCookie.split(';', 1)[0] ?? '' }
}

type Rendered = { readonly method: string; readonly path: string; readonly body?: string }

function renderStep(step: Step): Rendered {
  switch (step.name) {
    case 'get':
      return { method: 'GET', path: `/${step.key}` }
    case 'read':
      return { method: 'GET', path: '' }
    case 'set':
      return { method: 'PUT', path: `/${step.key}`, body: step.value }
    case 'pop':
      return { method: 'DELETE', path: `/${step.key}` }
    case 'increment':
      return { method: 'PATCH', path: `/${step.key}`, body: `{"increment":${step.by}}` }
    case 'append':
      return { method: 'PATCH', path: `/${step.key}`, body: `{"append":${step.item}}` }
    case 'merge':
      return { method: 'PATCH', path: `/${step.key}`, body: `{"merge":${step.patch}}` }
    case 'update':
      return { method: 'PATCH', path: '', body: `{"data":${step.data ?? '{}'}}` }
    case 'clear':
      return { method: 'POST', path: '/clear' }
    case 'renew':
      return { method: 'POST', path: '/renew' }
    case 'end':
      return { method: 'DELETE', path: '' }
    case 'expire':
      throw new Error('Cannot ask a session to expire')
  }
}

function renderConditions({ when }: Extract<Step, { when?: unknown }>): Record<string, string> {
  const { required, excluded } = when ?? {}
  return {
    ...(required && { 'if-match': renderTags(required) }),
    ...(excluded && { 'if-none-match': renderTags(excluded) }),
  }
}

function renderTags(tags: Versions): string {
  return tags === '*' ? tags : tags.map((tag) => `"${tag}"`).join(', ')
}

function readValue(step: Step, body: string): string | undefined {
  switch (step.name) {
    case 'get':
    case 'pop':
    case 'increment':
    case 'append':
    case 'merge':
      return canonical(body)
    case 'read':
    case 'update':
      return canonical(JSON.stringify(JSON.parse(body).data))
    default:
      return undefined
  }
}

function readRefusal(body: string): CallAnswer {
  const { code, reason }: { code: string; reason?: string } = JSON.parse(body)
  if (code === 'outcome_unknown') return { kind: 'unknown' }
  return code === 'session_ended'
    ? { kind: 'ended', reason: String(reason) }
    : { kind: 'refused', code }
}

function idIn(cookie: string): string {
  return /=([^.]*)\./.exec(cookie)?.[1] ?? ''
}
