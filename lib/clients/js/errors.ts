/** The one error of this package: what the server refused, or why there is no answer. */

export type ErrorFacts = {
  /** The status of the server's response; undefined where there was none. */
  readonly serverStatus?: number | undefined
  readonly title?: string | undefined
  readonly detail?: string | undefined
  /** Why there is no session: `logout`, `renewed`, `idle_timeout`, `no_token`, ... */
  readonly reason?: string | undefined
  readonly endedAt?: string | undefined
  /** Seconds after which it may be tried again. */
  readonly retryAfter?: number | undefined
  /** Of a write: it may have been done. */
  readonly outcomeUnknown?: boolean
  readonly cause?: unknown
}

/**
 * `code` is the stable code of the server's problem (`session_ended`, `session_too_large`, ...), or one
 * of this package's own: `unreachable`, `timeout`, `connection_lost`, `bad_response`,
 * `too_many_calls`, `client_closed`, `invalid_argument`, `headers_sent`, `ends_incomplete`. It never has a token, a
 * key or session data in it.
 */
export class CoatcheckError extends Error {
  override readonly name: string = 'CoatcheckError'
  readonly code: string
  /** The status of the server's response; undefined where there was none. */
  readonly serverStatus: number | undefined
  /**
   * What frameworks answer a visitor with who meets the error: 503 where Coatcheck cannot be reached or does
   * not keep up, else 500. A wrong API key is no visitor's fault.
   */
  readonly status: 500 | 503
  readonly title: string | undefined
  readonly detail: string | undefined
  readonly reason: string | undefined
  readonly endedAt: string | undefined
  readonly retryAfter: number | undefined
  readonly outcomeUnknown: boolean

  constructor(code: string, message: string, facts: ErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause })
    this.code = code
    this.serverStatus = facts.serverStatus
    // control: client-faults-are-ours
    this.status = isUnavailable(code, facts.serverStatus) ? 503 : 500
    this.title = facts.title
    this.detail = facts.detail
    this.reason = facts.reason
    this.endedAt = facts.endedAt
    this.retryAfter = facts.retryAfter
    this.outcomeUnknown = facts.outcomeUnknown ?? false
  }
}

const UNAVAILABLE: ReadonlySet<string> = new Set([
  'unreachable',
  'timeout',
  'connection_lost',
  'too_many_calls',
  'overloaded',
  'ends_incomplete',
])

function isUnavailable(code: string, serverStatus: number | undefined): boolean {
  return UNAVAILABLE.has(code) || (serverStatus !== undefined && serverStatus >= 500)
}

/**
 * An error as a store hands it to its framework, which may show the message to visitors: what is in it is
 * under `cause`, for the log.
 */
export function forFramework(error: unknown): unknown {
  if (!(error instanceof CoatcheckError)) return error
  const told = new CoatcheckError(error.code, STORE_FAILED, { ...error, cause: error })
  // The text of the server's, too.
  return Object.assign(told, { title: undefined, detail: undefined })
}

const STORE_FAILED = 'The session store failed; the cause of this error says why'

/** Misuse of this package, told before anything is sent. */
export function invalidArgument(message: string): CoatcheckError {
  return new CoatcheckError('invalid_argument', message)
}

/** The error that a response with a status of 400 or more tells (RFC 9457). */
export function errorOf(answer: {
  readonly status: number
  readonly body: string
  readonly retryAfter: number | undefined
}): CoatcheckError {
  const problem = readProblem(answer.body)
  const text = (name: string) => {
    const value = problem[name]
    return typeof value === 'string' ? value : undefined
  }
  const { status, retryAfter } = answer
  const detail = text('detail')
  const code = text('code') ?? 'bad_response'
  // A proxy in front answers with a page of its own, which tells nothing of Coatcheck's.
  const message =
    detail ??
    `Cannot read the response: expected a problem of Coatcheck, got status ${status} of another server; ` +
      'is the url right, or is a proxy in between?'
  return new CoatcheckError(code, message, {
    serverStatus: status,
    title: text('title'),
    detail,
    reason: text('reason'),
    endedAt: text('endedAt'),
    retryAfter,
    // A proxy whose own request was cut off cannot know either.
    outcomeUnknown: code === 'outcome_unknown' || (detail === undefined && status >= 500),
  })
}

function readProblem(body: string): Readonly<Record<string, unknown>> {
  try {
    const problem: unknown = JSON.parse(body)
    return typeof problem === 'object' && problem !== null ? { ...problem } : {}
  } catch {
    return {}
  }
}
