/**
 * Everything that sessions, their store and the readers of their input refuse, by name. A code never
 * changes once released: programs match on it. What only HTTP refuses is in `http/answer/problem.ts`.
 */
export type ErrorCode =
  | 'claims_read_only'
  | 'events_forgotten'
  | 'events_not_kept'
  | 'internal'
  | 'invalid_argument'
  | 'invalid_claims'
  | 'invalid_json'
  | 'invalid_key'
  | 'invalid_patch'
  | 'invalid_utf8'
  | 'key_not_found'
  | 'number_too_large'
  | 'outcome_unknown'
  | 'overloaded'
  | 'precondition_failed'
  | 'session_ended'
  | 'session_not_found'
  | 'session_too_large'
  | 'storage_busy'
  | 'storage_damaged'
  | 'storage_failed'
  | 'storage_full'
  | 'test_failed'
  | 'too_deep'
  | 'too_many_keys'
  | 'too_many_sessions'
  | 'wrong_type'

/** Facts that travel beside a message, for programs: `reason` and `endedAt` of an ended session. */
export type ErrorFacts = Readonly<Record<string, string | number>>

/**
 * The way out of a refusal: the setting that can be changed, or a hint. The edge that shows the
 * message (HTTP, the command line) says it in its own words; it is no part of the message or facts.
 */
export type WayOut = { readonly setting: SettingName } | { readonly hint: Hint }

/** A setting that a refusal may be about, by its name in `settings/settings-table.ts`. */
export type SettingName =
  | 'dataPath'
  | 'keepEventsMs'
  | 'keyLimitBytes'
  | 'lifetimeMs'
  | 'walLimitBytes'
  | 'maxDepth'
  | 'maxEvents'
  | 'maxEventStreams'
  | 'maxKeys'
  | 'maxPendingWrites'
  | 'maxSessionsPerSub'
  | 'maxWriteWaitMs'
  | 'permanentLifetimeMs'
  | 'sessionLimitBytes'

export type Hint =
  /** How a key is named. */
  | 'name_key'
  /** How a read gets a value where there is none. */
  | 'give_default'
  /** How a session begins; the same for who holds a token that is dead. */
  | 'start_session'
  | 'start_another_session'
  /** What asked for a version, and what excluded one. */
  | 'version_required'
  | 'version_excluded'
  /** What says which keys of a dump are sessions, and which member of one is its user. */
  | 'key_prefix'
  | 'user_member'
  /** How a damaged WAL is cut short, and how a backup replaces a file. */
  | 'relax_durability'
  | 'replace_file'
  /** What says where the first API key is written, and what makes that unnecessary. */
  | 'place_key'

/**
 * A refusal with a name. `message` says what was wanted, what was expected and what came, and knows
 * neither HTTP nor flags. It never holds a token, a secret or session data: it ends in logs.
 */
export class CodedError<Code extends string> extends Error {
  readonly code: Code
  readonly facts: ErrorFacts
  readonly way: WayOut | undefined

  constructor(code: Code, message: string, facts: ErrorFacts = {}, way?: WayOut) {
    super(message)
    this.name = new.target.name
    this.code = code
    this.facts = facts
    this.way = way
  }
}

export class CoatcheckError extends CodedError<ErrorCode> {}

/** The `code` of an error of Node's or SQLite's, such as `ENOENT`; empty where it has none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
