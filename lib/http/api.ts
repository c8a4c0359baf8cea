/**
 * The table of operations: every method and path of the API, who may call it, what it takes and
 * what it returns. The routes, `Allow`, the words of the 404 and the manual's API page come from
 * it. Texts are Markdown.
 */
import type { ProblemCode } from './answer/problem.ts'
import {
  ACCEPT,
  AS,
  BACK_END_SESSION,
  BODY,
  type Caller,
  CHANGE_KEY,
  CLAIMS,
  CONDITIONS,
  COOKIE_TARGET,
  DATA_BODY,
  DEFAULT,
  DONE,
  GONE,
  GROW,
  HANDED_OUT,
  JSON_ONLY,
  KEY_PATCH_BODY,
  NEW_SESSION_BODY,
  type Operation,
  PATCH,
  RAW,
  READ_KEY,
  SESSION,
  SESSION_PATCH_BODY,
  SUB,
  TOUCH,
  UNCHANGED,
  UNLESS_SEEN,
  VALUE,
  VALUE_BODY,
  withCookie,
  WRITE,
} from './api-parts.ts'

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
  holder: ['holder_access_denied', 'api_key_required', 'too_many_failures'],
  back_end: ['api_key_required', 'too_many_failures'],
}

/** The operation's own refusals and those of its caller, without those of any request. */
export function refusalsOf({ method, who, errors }: Operation): readonly ProblemCode[] {
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
