/**
 * The table of operations: every method and path of the API, who may call it, what it takes and
 * what it returns. The routes, `Allow`, the words of the 404 and the manual's API page come from
 * it. Texts are Markdown.
 */
import { backEndOperations } from './api-back-end.ts'
import { holderOperations } from './api-holder.ts'
import {
  ACCEPT,
  ADVANCE_SECONDS,
  type ApiOperation,
  AS,
  BODY,
  COOKIE_TARGET,
  JSON_ONLY,
  RAW,
  SESSION,
  TOUCH,
  UNCHANGED,
  UNLESS_SEEN_DOCUMENT,
} from './api-parts.ts'
import { showClock, showSession } from './api-examples.ts'

export const operations = {
  ...holderOperations,
  ...backEndOperations,

  listCookies: {
    method: 'GET',
    path: '/cookies',
    who: 'anyone',
    summary: 'Returns the cookies of this request, without the session cookie.',
    query: [RAW],
    answers: { 200: { carries: '`{"theme":"dark"}`', schema: 'Cookies' } },
    example: { path: '/cookies', status: 200, answer: '{"theme":"dark"}' },
    errors: [],
  },
  getCookie: {
    method: 'GET',
    path: '/cookies/:name',
    who: 'anyone',
    summary: 'Returns one cookie of this request.',
    query: [RAW, AS],
    headers: [ACCEPT],
    answers: {
      200: { carries: 'the string', schema: 'Text', types: ['application/json', 'text/plain'] },
    },
    example: { path: '/cookies/theme', status: 200, answer: '"dark"' },
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
      schema: 'Cookie',
    },
    answers: { 204: { carries: 'nothing', headers: ['Set-Cookie', 'Warning'] } },
    example: { path: '/cookies/theme', body: '{"value":"dark","maxAge":604800}', status: 204 },
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
      schema: 'CookieTarget',
      isOptional: true,
    },
    answers: { 204: { carries: 'nothing', headers: ['Set-Cookie', 'Warning'] } },
    example: { path: '/cookies/theme?path=/', status: 204 },
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
    answers: {
      200: {
        ...SESSION,
        schema: 'VerifiedSession',
        headers: ['ETag', 'Session-Id', 'Session-Sub'],
      },
    },
    example: { path: '/verify', status: 200, answer: showSession() },
    errors: ['session_required'],
  },
  getHealth: {
    method: 'GET',
    path: '/healthz',
    who: 'anyone',
    admin: 'also',
    summary: 'Tells whether the server does its work.',
    answers: {
      200: {
        carries: '`{"status":…,"storage":…,"writes":…}`: all of the work is done, or a part of it',
        schema: 'Health',
      },
      503: {
        carries: 'the same: nothing can be written any more, or the server is about to stop',
        schema: 'Health',
      },
    },
    example: {
      path: '/healthz',
      status: 200,
      answer: '{"status":"ok","storage":"ok","writes":"all","walBytes":0}',
    },
    errors: [],
  },
  getClock: {
    method: 'GET',
    path: '/_clock',
    who: 'anyone',
    onlyWith: 'testClock',
    summary:
      'Tells the time of the test clock. Only with `--test-clock`, and on the machine itself.',
    answers: { 200: { carries: '`{"now":…}`', schema: 'Clock' } },
    example: { path: '/_clock', status: 200, answer: showClock() },
    errors: [],
  },
  advanceClock: {
    method: 'POST',
    path: '/_clock',
    who: 'anyone',
    onlyWith: 'testClock',
    summary:
      'Moves the test clock on, and ends what has expired by then. Only with `--test-clock`, and on the ' +
      'machine itself.',
    body: {
      types: JSON_ONLY,
      shape: `\`{"advance":3600}\`, in seconds, ${ADVANCE_SECONDS.least} to ${ADVANCE_SECONDS.most}`,
      schema: 'ClockAdvance',
    },
    answers: {
      200: {
        carries: '`{"now":…,"ended":1,"removed":0}`: the sessions that ended, and those forgotten',
        schema: 'ClockAdvanced',
      },
    },
    example: {
      path: '/_clock',
      body: '{"advance":3600}',
      status: 200,
      answer: showClock({ ended: 1, removed: 0 }),
    },
    errors: ['invalid_argument', ...BODY],
  },
  getMetrics: {
    method: 'GET',
    path: '/metrics',
    who: 'back_end',
    scope: 'metrics',
    admin: 'only',
    summary: 'Returns numbers about the server for Prometheus, or as OpenMetrics.',
    headers: [
      { ...ACCEPT, fallback: 'text/plain', meaning: '`application/openmetrics-text`: OpenMetrics' },
    ],
    answers: {
      200: { carries: 'the metrics', types: ['text/plain', 'application/openmetrics-text'] },
    },
    example: { path: '/metrics', status: 200 },
    errors: [],
  },
  getOpenApi: {
    method: 'GET',
    path: '/openapi.json',
    who: 'anyone',
    admin: 'also',
    summary: 'Returns this API as an OpenAPI 3.1 document.',
    headers: [UNLESS_SEEN_DOCUMENT],
    answers: {
      200: { carries: 'the document', schema: 'Document', headers: ['ETag'] },
      304: UNCHANGED,
    },
    example: { path: '/openapi.json', status: 200 },
    errors: [],
  },
  getFrontPage: {
    method: 'GET',
    path: '/',
    who: 'anyone',
    admin: 'also',
    summary: 'Shows a page to browsers; for programs there is nothing.',
    headers: [{ ...ACCEPT, meaning: 'must prefer `text/html`' }],
    answers: { 200: { carries: 'the page, as HTML', types: ['text/html'] } },
    example: { path: '/', status: 200 },
    errors: ['route_not_found'],
  },
  getOptions: {
    method: 'OPTIONS',
    path: '/',
    who: 'anyone',
    admin: 'also',
    summary: 'For health checks that know nothing of Coatcheck (RFC 9110 section 9.3.7).',
    answers: { 204: { carries: 'nothing', headers: ['Allow'] } },
    example: { path: '/', status: 204 },
    errors: [],
  },
} as const satisfies Readonly<Record<string, ApiOperation>>

export type OperationId = keyof typeof operations

export type Row<Id extends OperationId = OperationId> = ApiOperation & { readonly id: Id }

/** The operations that the admin listener has. */
export type AdminOperationId = {
  [Id in OperationId]: (typeof operations)[Id] extends { readonly admin: string } ? Id : never
}[OperationId]

/** All rows, in the order of the table. */
export const OPERATIONS: readonly Row[] = Object.keys(operations)
  .filter(isOperationId)
  .map((id) => ({ id, ...operations[id] }))

function isOperationId(name: string): name is OperationId {
  return name in operations
}
