import { CodedError, type ErrorCode } from '../../base/errors.ts'
import { SAFE_HEADERS } from './answer.ts'
import { describeWayOut } from './hints.ts'

/** The refusals of HTTP alone, beside the codes of the domain. */
export type HttpErrorCode =
  | 'api_key_required'
  | 'bad_request'
  | 'body_too_large'
  | 'cookie_not_found'
  | 'create_rate_exceeded'
  | 'cross_origin'
  | 'header_too_large'
  | 'holder_access_denied'
  | 'insufficient_scope'
  | 'invalid_cookie'
  | 'method_not_allowed'
  | 'request_timeout'
  | 'route_not_found'
  | 'session_required'
  | 'too_many_failures'

export type ProblemCode = ErrorCode | HttpErrorCode

/** A refusal of the domain or of HTTP itself. */
export type Refusal = CodedError<ProblemCode>

export class HttpError extends CodedError<HttpErrorCode> {}

/** The status and the title of each refusal over HTTP: the one such table. */
export const PROBLEMS: Readonly<Record<ProblemCode, readonly [status: number, title: string]>> = {
  bad_request: [400, 'Bad request'],
  api_key_required: [401, 'API key required'],
  body_too_large: [413, 'Body too large'],
  claims_read_only: [403, 'Claims are read-only'],
  cookie_not_found: [404, 'Cookie not found'],
  create_rate_exceeded: [429, 'Too many new sessions'],
  cross_origin: [403, 'Cross-origin request refused'],
  events_forgotten: [410, 'Events forgotten'],
  events_not_kept: [404, 'Events not kept'],
  header_too_large: [431, 'Header too large'],
  holder_access_denied: [403, 'Holder access denied'],
  insufficient_scope: [403, 'Insufficient scope'],
  internal: [500, 'Internal error'],
  invalid_argument: [422, 'Invalid argument'],
  invalid_claims: [422, 'Invalid claims'],
  invalid_cookie: [422, 'Invalid cookie'],
  invalid_json: [400, 'Invalid JSON'],
  invalid_key: [422, 'Invalid key'],
  invalid_patch: [422, 'Invalid patch'],
  invalid_utf8: [400, 'Invalid UTF-8'],
  key_not_found: [404, 'Key not found'],
  method_not_allowed: [405, 'Method not allowed'],
  number_too_large: [422, 'Number too large'],
  outcome_unknown: [503, 'Outcome unknown'],
  overloaded: [503, 'Overloaded'],
  precondition_failed: [412, 'Precondition failed'],
  request_timeout: [408, 'Request timeout'],
  route_not_found: [404, 'Route not found'],
  session_ended: [410, 'Session ended'],
  session_not_found: [404, 'Session not found'],
  session_required: [401, 'Session required'],
  session_too_large: [413, 'Session too large'],
  storage_busy: [503, 'Storage busy'],
  storage_damaged: [500, 'Storage damaged'],
  storage_failed: [503, 'Storage failed'],
  storage_full: [507, 'Storage full'],
  test_failed: [409, 'Test failed'],
  too_deep: [422, 'Nested too deeply'],
  too_many_failures: [429, 'Too many failures'],
  too_many_keys: [422, 'Too many keys'],
  too_many_sessions: [409, 'Too many sessions'],
  wrong_type: [409, 'Wrong type'],
}

const CHALLENGE = { 'WWW-Authenticate': 'Bearer realm="coatcheck"' }

/** The headers that a refusal has besides. */
const HEADERS: Partial<Record<ProblemCode, Readonly<Record<string, string>>>> = {
  api_key_required: CHALLENGE,
  session_required: { ...CHALLENGE, 'Session-Id': '', 'Session-Sub': '' },
}

/** Where waiting may help, for how many seconds. */
const RETRY_AFTER_SECONDS: Partial<Record<ProblemCode, number>> = {
  outcome_unknown: 5,
  // control: retry-after
  overloaded: 1,
  storage_busy: 1,
  storage_failed: 5,
  storage_full: 5,
}

export type Problem = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** RFC 6750 section 3: `scope` is the one that the request needs. */
function challengeOf(scope: unknown) {
  const error = `${CHALLENGE['WWW-Authenticate']}, error="insufficient_scope"`
  return { 'WWW-Authenticate': `${error}, scope="${String(scope)}"` }
}

export function answerProblem(refusal: Refusal): Response {
  const { status, headers, body } = renderProblem(refusal)
  return new Response(body, { status, headers })
}

/** A refusal as RFC 9457 `application/problem+json`; its facts are members of their own. */
export function renderProblem({ code, message, facts, way }: Refusal): Problem {
  const [status, title] = PROBLEMS[code]
  const retryAfter = facts['retryAfter'] ?? RETRY_AFTER_SECONDS[code]
  return {
    status,
    headers: {
      ...SAFE_HEADERS,
      'Content-Type': 'application/problem+json',
      ...HEADERS[code],
      ...(code === 'insufficient_scope' && challengeOf(facts['scope'])),
      ...(retryAfter === undefined ? {} : { 'Retry-After': String(retryAfter) }),
      ...(typeof facts['allow'] === 'string' ? { Allow: facts['allow'] } : {}),
    },
    body: `${JSON.stringify({
      type: `urn:coatcheck:${code}`,
      title,
      status,
      detail: message + describeWayOut(way),
      code,
      ...facts,
    })}\n`,
  }
}
