/** A row in the table of operations: its shape, what several rows share, what its callers share. */
import { LONGEST_ADVANCE_MS } from '../service/test-time.ts'
import type { KeyScope } from '../session/api-key.ts'
import { LONGEST_ACTIVE_MS, SHORTEST_ACTIVE_MS } from '../session/recent-activity.ts'
import type { ProblemCode } from './answer/problem.ts'
import type { SchemaName } from './api-schemas.ts'

/** `ALL`: any method. `HEAD` comes with `GET`. */
export type Method = 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE' | 'OPTIONS' | 'ALL'

/** `holder`: whoever has a session's token. `back_end`: whoever has an API key. */
export type Caller = 'anyone' | 'holder' | 'back_end'

export type Parameter = {
  readonly name: string
  readonly type: 'string' | 'integer' | 'boolean' | 'json' | 'entity tags'
  /** The only values that there are. */
  readonly values?: readonly string[]
  /** The value that counts where none is given. */
  readonly fallback?: string
  readonly meaning: string
}

export type RequestBody = {
  /** Media types that change the meaning of the body; any other one is read as JSON. */
  readonly types: readonly ('application/json' | 'application/json-patch+json')[]
  /** In words, with a sketch of the JSON. */
  readonly shape: string
  /** Of `application/json`; a JSON Patch has its own. */
  readonly schema: SchemaName
  readonly isOptional?: true
}

export type MediaType =
  | 'application/json'
  | 'text/plain'
  | 'text/html'
  | 'application/openmetrics-text'
  | 'text/event-stream'

export type Answer = {
  readonly carries: string
  /** The JSON of the body; where it has several shapes, each of them. None for no body. */
  readonly schema?: SchemaName | readonly SchemaName[]
  /** What the body may be, JSON unless given. */
  readonly types?: readonly MediaType[]
  readonly headers?: readonly string[]
}

/** A request that works on the session that the document shows, and what comes back. */
export type Example = {
  /** The path with its query. */
  readonly path: string
  readonly body?: string
  readonly status: number
  /** The JSON of the answer; a text where it is none. */
  readonly answer?: string
}

export type ApiOperation = {
  readonly method: Method
  /** `:name` is one segment, `*` at the end any number of them. */
  readonly path: string
  readonly who: Caller
  /**
   * The scope that an API key needs here. Without it: `read` for a method that changes nothing, else
   * `all`.
   */
  readonly scope?: KeyScope
  /**
   * The admin listener has it, too, and without a key; `only`: beside an admin listener, the main
   * one does not have it.
   */
  readonly admin?: 'also' | 'only'
  /** Only a server that runs with this setting has it; its summary says so. */
  readonly onlyWith?: 'testClock'
  readonly summary: string
  readonly query?: readonly Parameter[]
  /** Headers of the request that change what the operation does. */
  readonly headers?: readonly Parameter[]
  readonly body?: RequestBody
  /** By status: what comes back unless the operation is refused. */
  readonly answers: Readonly<Partial<Record<200 | 201 | 204 | 304 | 503, Answer>>>
  readonly example: Example
  /** The refusals of this operation alone; `refusalsOf` adds those that come with its caller. */
  readonly errors: readonly ProblemCode[]
}

export const TOUCH: Parameter = {
  name: 'touch',
  type: 'boolean',
  fallback: 'true',
  meaning: '`false`: the request does not count as activity',
}
export const DEFAULT: Parameter = {
  name: 'default',
  type: 'json',
  meaning: 'the value to return where there is none',
}
export const AS: Parameter = {
  name: 'as',
  type: 'string',
  values: ['json', 'text'],
  fallback: 'json',
  meaning: '`text`: a string travels bare, without quotes and escapes',
}
export const RAW: Parameter = {
  name: 'raw',
  type: 'boolean',
  fallback: 'false',
  meaning: '`true`: values as they stand in the header, not percent-decoded',
}
export const SUB: Parameter = {
  name: 'sub',
  type: 'string',
  meaning: 'the user whose sessions are meant',
}

export const APP: Parameter = {
  name: 'app',
  type: 'string',
  meaning: "the app whose sessions are meant, for a key of all apps; else the key's own",
}

export const ACCEPT: Parameter = {
  name: 'Accept',
  type: 'string',
  fallback: 'application/json',
  meaning: '`text/plain`: a string comes bare, as with `?as=text`',
}
const IF_MATCH: Parameter = {
  name: 'If-Match',
  type: 'entity tags',
  meaning: 'writes only if the session has one of these versions; `*`: only if there is something',
}
const IF_NONE_MATCH: Parameter = {
  name: 'If-None-Match',
  type: 'entity tags',
  meaning: 'writes only if the session has none of these versions; `*`: only if there is nothing',
}
export const UNLESS_SEEN: Parameter = {
  name: 'If-None-Match',
  type: 'entity tags',
  meaning: '304 if the session still has one of these versions',
}
export const UNLESS_SEEN_DOCUMENT: Parameter = {
  name: 'If-None-Match',
  type: 'entity tags',
  meaning: '304 if the document is still this one',
}
export const CONDITIONS = [IF_MATCH, IF_NONE_MATCH] as const

/** Of a write that answers a body. */
export const PREFER: Parameter = {
  name: 'Prefer',
  type: 'string',
  values: ['return=minimal'],
  meaning: '`return=minimal`: no body, unless it has a token or tells whom it evicted',
}

/** The attributes that tell one cookie from another of its name. */
export const COOKIE_TARGET: readonly Parameter[] = [
  {
    name: 'path',
    type: 'string',
    fallback: '/',
    meaning: 'the `Path` that the cookie was set with',
  },
  { name: 'domain', type: 'string', meaning: 'the `Domain` that the cookie was set with' },
  {
    name: 'sameSite',
    type: 'string',
    values: ['Strict', 'Lax', 'None'],
    meaning: 'as the cookie was set',
  },
  { name: 'secure', type: 'boolean', fallback: 'false', meaning: 'as the cookie was set' },
  { name: 'httpOnly', type: 'boolean', fallback: 'false', meaning: 'as the cookie was set' },
  { name: 'partitioned', type: 'boolean', fallback: 'false', meaning: 'as the cookie was set' },
]

/** The rows on a page of a list. */
export const PAGE_LIMIT = { fallback: 100, least: 1, most: 1_000 } as const

/** The time for which `GET /active` counts. */
export const ACTIVE_SECONDS = {
  fallback: 300,
  least: SHORTEST_ACTIVE_MS / 1_000,
  most: LONGEST_ACTIVE_MS / 1_000,
} as const

/** By how much one request may move the test clock. */
export const ADVANCE_SECONDS = { least: 0, most: LONGEST_ADVANCE_MS / 1_000 } as const

export const JSON_ONLY = ['application/json'] as const
export const VALUE_BODY: RequestBody = {
  types: JSON_ONLY,
  shape: 'any JSON value',
  schema: 'Value',
}
export const DATA_BODY: RequestBody = {
  types: JSON_ONLY,
  shape: 'all data, as in `{"user":"ada"}`',
  schema: 'Data',
}
export const KEY_PATCH_BODY: RequestBody = {
  types: JSON_ONLY,
  shape: 'one of `{"increment":1}`, `{"append":x}` and `{"merge":{…}}`',
  schema: 'KeyPatch',
}
export const SESSION_PATCH_BODY: RequestBody = {
  types: ['application/json', 'application/json-patch+json'],
  shape:
    '`{"data":{…},"claims":{…},"permanent":true,"idleTimeout":1800,"lifetime":43200}`, each optional, ' +
    'times in seconds, `claims` and the times for back ends, which also have `"keepEnded":0`, beside ' +
    '`lifetime`, `"lifetimeFrom":"now"`, and in place of `claims` `"login":{"sub":"ada"}`; in place of `data` edits, as in ' +
    '`{"set":{"user":"ada"},"remove":["cart"],"increment":{"visits":1},"extend":{"log":["in"]},' +
    '"in":{"settings":{"set":{"lang":null}}}}`; or, as `application/json-patch+json`, a JSON Patch with ' +
    'paths such as `/data/user`',
  schema: 'SessionPatch',
}
export const NEW_SESSION_BODY: RequestBody = {
  types: JSON_ONLY,
  shape:
    '`{"data":{…},"claims":{…},"permanent":false,"idleTimeout":1800,"lifetime":43200,"device":{…}}`, ' +
    'each optional, times in seconds; also `"keepEnded":0` and, beside `lifetime`, `"lifetimeFrom":"now"`',
  schema: 'NewSession',
}

export const SESSION: Answer = {
  carries: 'the session: `{"id":…,"data":{…},"claims":{…},"permanent":…}` and its times',
  schema: 'Session',
  headers: ['ETag'],
}
export const BACK_END_SESSION: Answer = {
  carries:
    'the session: `{"id":…,"data":{…},"claims":{…},"permanent":…}`, its times and its `device`',
  schema: 'BackEndSession',
  headers: ['ETag'],
}
export const HANDED_OUT: Answer = {
  carries:
    'the session; `token` and `setCookie` where it has a new token; `evicted`, the ids that made room',
  schema: 'HandedOutSession',
  headers: ['ETag'],
}
/** As its holder sees it, or, with an API key beside the cookie, as back ends do. */
export const EITHER_SESSION = {
  schema: ['Session', 'BackEndSession'],
  types: ['application/json', 'text/plain'],
} as const satisfies Partial<Answer>
export const VALUE: Answer = {
  carries: 'the value, byte for byte as it was put',
  schema: 'Value',
  types: ['application/json', 'text/plain'],
  headers: ['ETag'],
}
export const UNCHANGED: Answer = {
  carries: 'nothing: the caller has this version',
  headers: ['ETag'],
}
export const DONE: Answer = { carries: 'nothing: done, and on disk', headers: ['ETag'] }

/** In place of a body, for who prefers none. */
export const MINIMAL: Answer = {
  carries: 'nothing, as `Prefer: return=minimal` asks: done, and on disk',
  headers: ['ETag', 'Preference-Applied'],
}

/**
 * The holder's browser is given its cookie whenever the token, or how long to keep it, has changed.
 */
export const withCookie = (answer: Answer): Answer => ({
  ...answer,
  headers: [...(answer.headers ?? []), 'Set-Cookie', 'Session-Token'],
})

export const GONE = ['session_not_found', 'session_ended'] as const
export const WRITE = ['precondition_failed', 'outcome_unknown', 'storage_full'] as const
export const BODY = ['body_too_large', 'invalid_json', 'invalid_utf8', 'too_deep'] as const
export const GROW = ['invalid_key', 'too_many_keys', 'session_too_large'] as const
export const READ_KEY = ['key_not_found', 'invalid_key', 'invalid_json', 'too_deep'] as const
export const CHANGE_KEY = ['invalid_argument', 'wrong_type', 'number_too_large'] as const
export const PATCH = [
  ...(['invalid_argument', 'invalid_patch', 'test_failed'] as const),
  ...(['wrong_type', 'number_too_large'] as const),
] as const
export const CLAIMS = ['invalid_claims', 'too_many_sessions'] as const

/** The refusals of any request, which are said once and not with each operation. */
export const ANY_REQUEST: readonly ProblemCode[] = [
  'bad_request',
  'header_too_large',
  'request_timeout',
  'overloaded',
  'storage_busy',
  'storage_damaged',
  'storage_failed',
  'internal',
]

/** The refusals of any operation of a caller. */
export const OF_CALLERS: Readonly<Record<Caller, readonly ProblemCode[]>> = {
  anyone: [],
  holder: ['holder_access_denied', 'api_key_required', 'insufficient_scope', 'too_many_failures'],
  back_end: ['api_key_required', 'insufficient_scope', 'too_many_failures'],
}

/** The operation's own refusals and those of its caller, without those of any request. */
export function refusalsOf({ method, who, errors }: ApiOperation): readonly ProblemCode[] {
  return [
    ...errors,
    ...OF_CALLERS[who],
    ...(changesNothing(method) ? [] : (['cross_origin'] as const)),
  ]
}

/** The names of an operation's query parameters. */
export function queryNames({ query = [] }: ApiOperation): readonly string[] {
  return query.map(({ name }) => name)
}

/** A path as a URI template (RFC 6570): `/sessions/{id}`. What may stand behind `/verify` it cannot say. */
export function templateOf(path: string): string {
  return path.replace(/\/\*$/, '').replace(/:(\w+)/g, '{$1}')
}

/** A path as people write it: `/session/KEY`. */
export function showPath(path: string): string {
  return path.replace(/\/\*$/, '').replace(/:(\w+)/g, (_, name: string) => name.toUpperCase())
}

/** The scope that an API key needs for an operation. */
export function scopeOf({ scope, method }: ApiOperation): KeyScope {
  return scope ?? (changesNothing(method) ? 'read' : 'all')
}

function changesNothing(method: Method): boolean {
  return method === 'GET' || method === 'OPTIONS' || method === 'ALL'
}
