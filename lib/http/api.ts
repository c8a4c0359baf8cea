/**
 * The table of operations: every method and path of the API, who may call it, what it takes and
 * what it returns. The routes, `Allow`, the words of the 404 and the manual's API page come from
 * it. Texts are Markdown.
 */
import type { ErrorCode } from '../base/errors.ts'

/** `ALL`: any method. `HEAD` comes with `GET`. */
export type Method = 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE' | 'OPTIONS' | 'ALL'

/** `holder`: whoever has a session's token. `back_end`: whoever has an API key. */
export type Caller = 'anyone' | 'holder' | 'back_end'

export type Parameter = {
  readonly name: string
  readonly type: 'string' | 'integer' | 'boolean' | 'json' | 'entity tags'
  /** The value that counts where none is given. */
  readonly fallback?: string
  readonly meaning: string
}

export type RequestBody = {
  /** Media types that change the meaning of the body; any other one is read as JSON. */
  readonly types: readonly ('application/json' | 'application/json-patch+json')[]
  /** In words, with a sketch of the JSON. */
  readonly shape: string
  readonly isOptional?: true
}

export type Answer = {
  readonly carries: string
  readonly headers?: readonly string[]
}

export type Operation = {
  readonly method: Method
  /** `:name` is one segment, `*` at the end any number of them. */
  readonly path: string
  readonly who: Caller
  readonly summary: string
  readonly query?: readonly Parameter[]
  /** Headers of the request that change what the operation does. */
  readonly headers?: readonly Parameter[]
  readonly body?: RequestBody
  /** By status: what comes back unless the operation is refused. */
  readonly answers: Readonly<Partial<Record<200 | 201 | 204 | 304 | 503, Answer>>>
  /** The refusals of this operation alone; `refusalsOf` adds those that come with its caller. */
  readonly errors: readonly ErrorCode[]
}

const TOUCH: Parameter = {
  name: 'touch',
  type: 'boolean',
  fallback: 'true',
  meaning: '`false`: the request does not count as activity',
}
const DEFAULT: Parameter = {
  name: 'default',
  type: 'json',
  meaning: 'the value to return where there is none',
}
const AS: Parameter = {
  name: 'as',
  type: 'string',
  fallback: 'json',
  meaning: '`text`: a string travels bare, without quotes and escapes',
}
const RAW: Parameter = {
  name: 'raw',
  type: 'boolean',
  fallback: 'false',
  meaning: '`true`: values as they stand in the header, not percent-decoded',
}
const SUB: Parameter = { name: 'sub', type: 'string', meaning: 'the user whose sessions are meant' }

const ACCEPT: Parameter = {
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
const UNLESS_SEEN: Parameter = {
  name: 'If-None-Match',
  type: 'entity tags',
  meaning: '304 if the session still has one of these versions',
}
const CONDITIONS = [IF_MATCH, IF_NONE_MATCH] as const

/** The attributes that tell one cookie from another of its name. */
const COOKIE_TARGET: readonly Parameter[] = [
  {
    name: 'path',
    type: 'string',
    fallback: '/',
    meaning: 'the `Path` that the cookie was set with',
  },
  { name: 'domain', type: 'string', meaning: 'the `Domain` that the cookie was set with' },
  { name: 'sameSite', type: 'string', meaning: '`Strict`, `Lax` or `None`' },
  { name: 'secure', type: 'boolean', fallback: 'false', meaning: 'as the cookie was set' },
  { name: 'httpOnly', type: 'boolean', fallback: 'false', meaning: 'as the cookie was set' },
  { name: 'partitioned', type: 'boolean', fallback: 'false', meaning: 'as the cookie was set' },
]

const JSON_ONLY = ['application/json'] as const
const VALUE_BODY: RequestBody = { types: JSON_ONLY, shape: 'any JSON value' }
const DATA_BODY: RequestBody = { types: JSON_ONLY, shape: 'all data, as in `{"user":"ada"}`' }
const KEY_PATCH_BODY: RequestBody = {
  types: JSON_ONLY,
  shape: 'one of `{"increment":1}`, `{"append":x}` and `{"merge":{…}}`',
}
const SESSION_PATCH_BODY: RequestBody = {
  types: ['application/json', 'application/json-patch+json'],
  shape:
    '`{"data":{…},"claims":{…},"permanent":true,"idleTimeout":1800,"lifetime":43200}`, each optional, ' +
    'times in seconds, all but `data` and `permanent` for back ends; or, as ' +
    '`application/json-patch+json`, a JSON Patch with paths such as `/data/user`',
}
const NEW_SESSION_BODY: RequestBody = {
  types: JSON_ONLY,
  shape:
    '`{"data":{…},"claims":{…},"permanent":false,"idleTimeout":1800,"lifetime":43200,"device":{…}}`, ' +
    'each optional, times in seconds',
}

const SESSION: Answer = {
  carries: 'the session: `{"id":…,"data":{…},"claims":{…},"permanent":…}` and its times',
  headers: ['ETag'],
}
const BACK_END_SESSION: Answer = {
  carries:
    'the session: `{"id":…,"data":{…},"claims":{…},"permanent":…}`, its times and its `device`',
  headers: ['ETag'],
}
const HANDED_OUT: Answer = {
  carries:
    'the session; `token` and `setCookie` where it has a new token; `evicted`, the ids that made room',
  headers: ['ETag'],
}
const VALUE: Answer = { carries: 'the value, byte for byte as it was put', headers: ['ETag'] }
const UNCHANGED: Answer = { carries: 'nothing: the caller has this version', headers: ['ETag'] }
const DONE: Answer = { carries: 'nothing: done, and on disk', headers: ['ETag'] }

/**
 * The holder's browser is given its cookie whenever the token, or how long to keep it, has changed.
 */
const withCookie = (answer: Answer): Answer => ({
  ...answer,
  headers: [...(answer.headers ?? []), 'Set-Cookie'],
})

const GONE = ['session_not_found', 'session_ended'] as const
const WRITE = ['precondition_failed', 'outcome_unknown', 'storage_full'] as const
const BODY = ['body_too_large', 'invalid_json', 'invalid_utf8', 'too_deep'] as const
const GROW = ['invalid_key', 'too_many_keys', 'session_too_large'] as const
const READ_KEY = ['key_not_found', 'invalid_key', 'invalid_json', 'too_deep'] as const
const CHANGE_KEY = ['invalid_argument', 'wrong_type', 'number_too_large'] as const
const PATCH = ['invalid_argument', 'invalid_patch', 'test_failed'] as const
const CLAIMS = ['invalid_claims', 'too_many_sessions'] as const

export const operations = {
  getSession: {
    method: 'GET',
    path: '/session',
    who: 'holder',
    summary: 'Returns the session; with an API key beside the cookie, as a back end sees it.',
    query: [TOUCH, AS],
    headers: [UNLESS_SEEN],
    answers: { 200: SESSION, 304: UNCHANGED },
    errors: GONE,
  },
  putSession: {
    method: 'PUT',
    path: '/session',
    who: 'holder',
    summary: 'Replaces all data of the session; without a session, creates one.',
    query: [AS],
    headers: CONDITIONS,
    body: DATA_BODY,
    answers: { 204: withCookie(DONE) },
    errors: [...GONE, ...WRITE, ...BODY, ...GROW, 'invalid_argument', 'create_rate_exceeded'],
  },
  patchSession: {
    method: 'PATCH',
    path: '/session',
    who: 'holder',
    summary:
      'Changes several values in one atomic step, by JSON Merge Patch (RFC 7396) or JSON Patch ' +
      '(RFC 6902); without a session, creates one.',
    headers: CONDITIONS,
    body: SESSION_PATCH_BODY,
    answers: { 200: withCookie(SESSION) },
    errors: [
      ...[...GONE, ...WRITE, ...BODY, ...GROW, ...PATCH, ...CLAIMS],
      ...(['claims_read_only', 'create_rate_exceeded'] as const),
    ],
  },
  endSession: {
    method: 'DELETE',
    path: '/session',
    who: 'holder',
    summary: 'Logs out: ends the session for good and removes its cookie.',
    headers: CONDITIONS,
    answers: { 204: { carries: 'nothing: the session has ended', headers: ['Set-Cookie'] } },
    errors: [...GONE, ...WRITE],
  },
  getKey: {
    method: 'GET',
    path: '/session/:key',
    who: 'holder',
    summary: 'Returns one value.',
    query: [DEFAULT, TOUCH, AS],
    headers: [UNLESS_SEEN, ACCEPT],
    answers: { 200: VALUE, 304: UNCHANGED },
    errors: [...GONE, ...READ_KEY],
  },
  setKey: {
    method: 'PUT',
    path: '/session/:key',
    who: 'holder',
    summary: 'Sets one value; without a session, creates one.',
    query: [AS],
    headers: CONDITIONS,
    body: VALUE_BODY,
    answers: { 204: withCookie(DONE) },
    errors: [...GONE, ...WRITE, ...BODY, ...GROW, 'create_rate_exceeded'],
  },
  changeKey: {
    method: 'PATCH',
    path: '/session/:key',
    who: 'holder',
    summary: 'Counts, appends or merges in one atomic step; without a session, creates one.',
    query: [AS],
    headers: [...CONDITIONS, ACCEPT],
    body: KEY_PATCH_BODY,
    answers: { 200: withCookie({ ...VALUE, carries: 'the new value' }) },
    errors: [...GONE, ...WRITE, ...BODY, ...GROW, ...CHANGE_KEY, 'create_rate_exceeded'],
  },
  popKey: {
    method: 'DELETE',
    path: '/session/:key',
    who: 'holder',
    summary: 'Removes one value and returns it, in one atomic step.',
    query: [DEFAULT, AS],
    headers: [...CONDITIONS, ACCEPT],
    answers: { 200: { ...VALUE, carries: 'the value that was removed' } },
    errors: [...GONE, ...WRITE, ...READ_KEY],
  },
  renewSession: {
    method: 'POST',
    path: '/session/renew',
    who: 'holder',
    summary: 'Gives the session a new id and token; the old token is dead at once.',
    headers: CONDITIONS,
    answers: { 204: withCookie(DONE) },
    errors: [...GONE, ...WRITE],
  },
  clearSession: {
    method: 'POST',
    path: '/session/clear',
    who: 'holder',
    summary: 'Removes all data; the session stays.',
    headers: CONDITIONS,
    answers: { 204: DONE },
    errors: [...GONE, ...WRITE],
  },

  listSessions: {
    method: 'GET',
    path: '/sessions',
    who: 'back_end',
    summary: 'Lists live sessions, of one user or of everybody, page by page.',
    query: [
      SUB,
      { name: 'limit', type: 'integer', fallback: '100', meaning: 'sessions a page, 1 to 1000' },
      { name: 'after', type: 'string', meaning: 'the `next` of the page before' },
    ],
    answers: {
      200: { carries: '`{"sessions":[…],"next":"7"}`; `next` is `null` on the last page' },
    },
    errors: [],
  },
  createSession: {
    method: 'POST',
    path: '/sessions',
    who: 'back_end',
    summary: 'Creates a session and hands out its token: logs a user in.',
    body: { ...NEW_SESSION_BODY, isOptional: true },
    answers: { 201: { ...HANDED_OUT, headers: ['ETag', 'Location'] } },
    errors: [
      ...[...BODY, ...GROW, ...CLAIMS],
      ...(['invalid_argument', 'outcome_unknown', 'storage_full'] as const),
    ],
  },
  endSessions: {
    method: 'DELETE',
    path: '/sessions',
    who: 'back_end',
    summary: 'Ends all sessions of a user, or of everybody: logs them out everywhere.',
    query: [
      SUB,
      { name: 'except', type: 'string', meaning: 'the id of a session that stays' },
      { name: 'all', type: 'boolean', meaning: "`true`, instead of `sub`: everybody's sessions" },
    ],
    answers: { 200: { carries: '`{"ended":5,"more":false}`; call again while `more` is true' } },
    errors: ['outcome_unknown', 'storage_full'],
  },
  getNamedSession: {
    method: 'GET',
    path: '/sessions/:id',
    who: 'back_end',
    summary: 'Returns one session.',
    query: [TOUCH, AS],
    headers: [UNLESS_SEEN],
    answers: { 200: BACK_END_SESSION, 304: UNCHANGED },
    errors: GONE,
  },
  putNamedSession: {
    method: 'PUT',
    path: '/sessions/:id',
    who: 'back_end',
    summary:
      'Replaces a whole session, or creates it under an id of yours; no token opens a session ' +
      'created so.',
    headers: CONDITIONS,
    body: NEW_SESSION_BODY,
    answers: {
      200: HANDED_OUT,
      201: { ...BACK_END_SESSION, headers: ['ETag', 'Location'] },
    },
    errors: [...WRITE, ...BODY, ...GROW, ...CLAIMS, 'invalid_argument', 'session_ended'],
  },
  patchNamedSession: {
    method: 'PATCH',
    path: '/sessions/:id',
    who: 'back_end',
    summary: 'Changes a session in one atomic step; another `sub` gives it a new id and token.',
    headers: CONDITIONS,
    body: SESSION_PATCH_BODY,
    answers: { 200: HANDED_OUT },
    errors: [...GONE, ...WRITE, ...BODY, ...GROW, ...PATCH, ...CLAIMS],
  },
  endNamedSession: {
    method: 'DELETE',
    path: '/sessions/:id',
    who: 'back_end',
    summary: 'Ends one session for good; its reason is `revoked`.',
    headers: CONDITIONS,
    answers: { 204: { carries: 'nothing: the session has ended' } },
    errors: [...GONE, ...WRITE],
  },
  getNamedKey: {
    method: 'GET',
    path: '/sessions/:id/:key',
    who: 'back_end',
    summary: 'Returns one value of a session.',
    query: [DEFAULT, TOUCH, AS],
    headers: [UNLESS_SEEN, ACCEPT],
    answers: { 200: VALUE, 304: UNCHANGED },
    errors: [...GONE, ...READ_KEY],
  },
  setNamedKey: {
    method: 'PUT',
    path: '/sessions/:id/:key',
    who: 'back_end',
    summary: 'Sets one value of a session.',
    query: [AS],
    headers: CONDITIONS,
    body: VALUE_BODY,
    answers: { 204: DONE },
    errors: [...GONE, ...WRITE, ...BODY, ...GROW],
  },
  changeNamedKey: {
    method: 'PATCH',
    path: '/sessions/:id/:key',
    who: 'back_end',
    summary: 'Counts, appends or merges in one atomic step.',
    query: [AS],
    headers: [...CONDITIONS, ACCEPT],
    body: KEY_PATCH_BODY,
    answers: { 200: { ...VALUE, carries: 'the new value' } },
    errors: [...GONE, ...WRITE, ...BODY, ...GROW, ...CHANGE_KEY],
  },
  popNamedKey: {
    method: 'DELETE',
    path: '/sessions/:id/:key',
    who: 'back_end',
    summary: 'Removes one value and returns it, in one atomic step.',
    query: [DEFAULT, AS],
    headers: [...CONDITIONS, ACCEPT],
    answers: { 200: { ...VALUE, carries: 'the value that was removed' } },
    errors: [...GONE, ...WRITE, ...READ_KEY],
  },
  renewNamedSession: {
    method: 'POST',
    path: '/sessions/:id/renew',
    who: 'back_end',
    summary: 'Gives the session a new id and token, and hands them out.',
    headers: CONDITIONS,
    answers: { 200: HANDED_OUT },
    errors: [...GONE, ...WRITE],
  },
  clearNamedSession: {
    method: 'POST',
    path: '/sessions/:id/clear',
    who: 'back_end',
    summary: 'Removes all data; the session stays.',
    headers: CONDITIONS,
    answers: { 204: DONE },
    errors: [...GONE, ...WRITE],
  },

  listCookies: {
    method: 'GET',
    path: '/cookies',
    who: 'anyone',
    summary: 'Returns the cookies of this request, without the session cookie.',
    query: [RAW],
    answers: { 200: { carries: '`{"theme":"dark"}`' } },
    errors: [],
  },
  getCookie: {
    method: 'GET',
    path: '/cookies/:name',
    who: 'anyone',
    summary: 'Returns one cookie of this request.',
    query: [RAW, AS],
    headers: [ACCEPT],
    answers: { 200: { carries: 'the string' } },
    errors: ['cookie_not_found'],
  },
  setCookie: {
    method: 'PUT',
    path: '/cookies/:name',
    who: 'anyone',
    summary: 'Sets a cookie in the browser; refuses one that a browser would drop.',
    body: {
      types: JSON_ONLY,
      shape:
        '`{"value":"dark"}`; also `raw`, `maxAge`, `expires`, `path`, `domain`, `secure`, `httpOnly`, ' +
        '`sameSite`, `partitioned` and `priority`',
    },
    answers: { 204: { carries: 'nothing', headers: ['Set-Cookie', 'Warning'] } },
    errors: ['invalid_cookie', 'invalid_argument', ...BODY],
  },
  deleteCookie: {
    method: 'DELETE',
    path: '/cookies/:name',
    who: 'anyone',
    summary: 'Removes a cookie from the browser.',
    query: COOKIE_TARGET,
    body: {
      types: JSON_ONLY,
      shape: '`{"path":"/shop"}`: what may be in the query',
      isOptional: true,
    },
    answers: { 204: { carries: 'nothing', headers: ['Set-Cookie', 'Warning'] } },
    errors: ['invalid_cookie', 'invalid_argument', ...BODY],
  },

  verify: {
    method: 'ALL',
    path: '/verify/*',
    who: 'anyone',
    summary:
      'Tells a proxy whether a request has the token of a session. Any method and any path behind it, since ' +
      'some proxies pass on those of the page.',
    query: [TOUCH],
    answers: { 200: { ...SESSION, headers: ['ETag', 'Session-Id', 'Session-Sub'] } },
    errors: ['session_required'],
  },
  getHealth: {
    method: 'GET',
    path: '/healthz',
    who: 'anyone',
    summary: 'Tells whether the server does its work.',
    answers: {
      200: { carries: 'the state: all of the work is done, or a part of it' },
      503: { carries: 'the state: nothing can be written any more' },
    },
    errors: [],
  },
  getFrontPage: {
    method: 'GET',
    path: '/',
    who: 'anyone',
    summary: 'Shows a page to browsers; for programs there is nothing.',
    headers: [{ ...ACCEPT, meaning: 'must prefer `text/html`' }],
    answers: { 200: { carries: 'the page, as HTML' } },
    errors: ['route_not_found'],
  },
  getOptions: {
    method: 'OPTIONS',
    path: '/',
    who: 'anyone',
    summary: 'For health checks that know nothing of Coatcheck (RFC 9110 section 9.3.7).',
    answers: { 204: { carries: 'nothing', headers: ['Allow'] } },
    errors: [],
  },
} as const satisfies Readonly<Record<string, Operation>>

export type OperationId = keyof typeof operations

export type Row = Operation & { readonly id: OperationId }

/** All rows, in the order of the table. */
export const OPERATIONS: readonly Row[] = Object.entries<Operation>(operations).map(
  // `Object.entries` widens the ids to strings.
  ([id, operation]) => ({ ...operation, id: id as OperationId }),
)

/** The refusals of any request, which are said once and not with each operation. */
export const ANY_REQUEST: readonly ErrorCode[] = [
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
export const OF_CALLERS: Readonly<Record<Caller, readonly ErrorCode[]>> = {
  anyone: [],
  holder: ['holder_access_denied', 'api_key_required', 'too_many_failures'],
  back_end: ['api_key_required', 'too_many_failures'],
}

/** The operation's own refusals and those of its caller, without those of any request. */
export function refusalsOf({ method, who, errors }: Operation): readonly ErrorCode[] {
  const isSafe = method === 'GET' || method === 'OPTIONS' || method === 'ALL'
  return [...errors, ...OF_CALLERS[who], ...(isSafe ? [] : (['cross_origin'] as const))]
}

/** The names of an operation's query parameters. */
export function queryNames({ query = [] }: Operation): readonly string[] {
  return query.map(({ name }) => name)
}

/** A path as people write it: `/session/KEY`. */
export function showPath(path: string): string {
  return path.replace(/\/\*$/, '').replace(/:(\w+)/g, (_, name: string) => name.toUpperCase())
}
