/**
 * Everything that Coatcheck refuses, by name. A code never changes once released: programs match on
 * it. Which HTTP status it becomes stands in one table, in `http/problem.ts`.
 */
export type ErrorCode =
  | 'bad_request'
  | 'api_key_required'
  | 'body_too_large'
  | 'claims_read_only'
  | 'cookie_not_found'
  | 'create_rate_exceeded'
  | 'cross_origin'
  | 'header_too_large'
  | 'holder_access_denied'
  | 'internal'
  | 'invalid_argument'
  | 'invalid_claims'
  | 'invalid_cookie'
  | 'invalid_json'
  | 'invalid_key'
  | 'invalid_patch'
  | 'invalid_utf8'
  | 'key_not_found'
  | 'method_not_allowed'
  | 'number_too_large'
  | 'outcome_unknown'
  | 'overloaded'
  | 'precondition_failed'
  | 'request_timeout'
  | 'route_not_found'
  | 'session_ended'
  | 'session_not_found'
  | 'session_required'
  | 'session_too_large'
  | 'storage_busy'
  | 'storage_damaged'
  | 'storage_failed'
  | 'storage_full'
  | 'test_failed'
  | 'too_deep'
  | 'too_many_failures'
  | 'too_many_keys'
  | 'too_many_sessions'
  | 'wrong_type'

/** Facts that travel beside a message, for programs: `reason` and `endedAt` of an ended session. */
export type ErrorFacts = Readonly<Record<string, string | number>>

/**
 * A refusal with a name. `message` says what was wanted, what was expected, what came and the way
 * out; it never holds a token, a secret or session data, for it ends in answers and logs.
 */
export class CoatcheckError extends Error {
  readonly code: ErrorCode
  readonly facts: ErrorFacts

  constructor(code: ErrorCode, message: string, facts: ErrorFacts = {}) {
    super(message)
    this.name = 'CoatcheckError'
    this.code = code
    this.facts = facts
  }
}

/** The `code` of an error of Node's or SQLite's, such as `ENOENT`; empty where it has none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
