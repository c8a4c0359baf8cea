/** The API as an OpenAPI 3.1 document, made of the table of operations. */
import { PROBLEMS, type ProblemCode } from './answer/problem.ts'
import { OPERATIONS, type Row } from './api.ts'
import {
  ANY_REQUEST,
  type Answer,
  type Caller,
  type MediaType,
  type Parameter,
  refusalsOf,
  scopeOf,
  templateOf,
} from './api-parts.ts'
import { type Schema, SCHEMAS, type SchemaName } from './api-schemas.ts'

/** Of the API, not of the program: it grows with what is added, and begins anew with what breaks. */
const API_VERSION = '1.0.0'

const PROBLEM = 'application/problem+json'
const JSON_PATCH = 'application/json-patch+json'

/** The document as JSON text: of these operations, or of all that there are. */
export function renderOpenApi(rows: readonly Row[] = OPERATIONS): string {
  return JSON.stringify(createOpenApi(rows))
}

function createOpenApi(rows: readonly Row[]) {
  const paths = Map.groupBy(rows, ({ path }) => templateOf(path))
  return {
    openapi: '3.1.0',
    info: {
      title: 'Coatcheck',
      version: API_VERSION,
      summary: 'A session server: hand in an object, get a ticket; come back, get the object',
      description:
        'JSON in and out. A body is read as JSON whatever its `Content-Type`, but for a JSON Patch. ' +
        'A refusal is a problem (RFC 9457) with a stable `code`. The manual is at `/docs`.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/', description: 'The server that this document came from' }],
    tags: TAGS,
    paths: Object.fromEntries(
      paths.entries().map(([path, own]) => [path, Object.assign({}, ...own.map(pathItemOf))]),
    ),
    components: {
      schemas: SCHEMAS,
      securitySchemes: SECURITY_SCHEMES,
      headers: HEADERS,
      responses: {
        AnyRequest: problemAnswer(
          ANY_REQUEST,
          'The refusals of any request, whatever its operation: ',
        ),
      },
    },
  }
}

const TAGS = [
  { name: 'session', description: "The holder's own session: the cookie, or a token, says which" },
  { name: 'sessions', description: 'Any session, for back ends with an API key' },
  { name: 'events', description: 'What has happened to sessions, for back ends with an API key' },
  { name: 'cookies', description: 'Strings that live in the browser' },
  { name: 'server', description: 'For proxies, for those who watch it, and for readers' },
] as const

type Tag = (typeof TAGS)[number]['name']

function tagOf({ path }: Row): Tag {
  const first = path.split('/', 2)[1]
  // It counts them.
  if (first === 'active') return 'sessions'
  return TAGS.find(({ name }) => name === first)?.name ?? 'server'
}

const SECURITY_SCHEMES = {
  sessionCookie: {
    type: 'apiKey',
    in: 'cookie',
    name: 'sid',
    description: 'The session cookie (`--cookie-name`); over https it is `__Host-Http-sid`',
  },
  sessionToken: { type: 'http', scheme: 'bearer', description: 'The token of a session' },
  tokenHeader: {
    type: 'apiKey',
    in: 'header',
    name: 'Session-Token',
    description: 'The token of a session; it can stand beside an API key',
  },
  apiKey: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'ck_…',
    description: 'The API key of a back end: `coatcheck key new NAME` makes one',
  },
} as const

/** Alternatives, each with all that it needs and with the scope that an API key must have. */
function securityOf(row: Row): readonly Readonly<Record<string, readonly string[]>>[] {
  const scopes = [scopeOf(row)]
  const byCaller: Readonly<Record<Caller, ReturnType<typeof securityOf>>> = {
    anyone: [],
    // A request without a session is no 401: it is answered, or begins one.
    holder: [
      { sessionCookie: [] },
      { sessionToken: [] },
      { tokenHeader: [] },
      { apiKey: scopes, sessionCookie: [] },
      { apiKey: scopes, tokenHeader: [] },
      {},
    ],
    back_end: [{ apiKey: scopes }],
  }
  return byCaller[row.who]
}

const HEADERS: Readonly<Record<string, Schema>> = {
  ETag: headerOf("The session's version, for `If-Match` and `If-None-Match`"),
  'Set-Cookie': headerOf('The session cookie, where the browser must keep another one'),
  'Session-Token': headerOf('The new token, where the request showed one in this header'),
  'Preference-Applied': headerOf('The preference that was met (RFC 7240)'),
  Location: headerOf('The path of the new session'),
  Allow: headerOf('The methods that there are here'),
  Warning: headerOf('Why a browser may drop the cookie'),
  'Session-Id': headerOf('The id of the session; empty where there is none'),
  'Session-Sub': headerOf('The user of the session; empty where there is none'),
  'Retry-After': headerOf('Seconds after which to try again'),
  'WWW-Authenticate': headerOf('What would be let in (RFC 6750)'),
}

function headerOf(description: string): Schema {
  return { description, schema: { type: 'string' } }
}

/** `any`: what a proxy may pass on, of which an OpenAPI document can name all but CONNECT. */
const ANY_METHODS = ['get', 'head', 'post', 'put', 'patch', 'delete', 'options'] as const

/** The operation under its method, or methods; a GET can be a HEAD, too. */
function pathItemOf(row: Row): Readonly<Record<string, Schema>> {
  const method = row.method.toLowerCase()
  const methods = method === 'all' ? ANY_METHODS : method === 'get' ? ['get', 'head'] : [method]
  return Object.fromEntries(methods.map((one) => [one, operationOf(row, one)]))
}

function operationOf(row: Row, method: string): Schema {
  const { id, summary, path, query = [], headers = [], body, answers, example } = row
  const isHead = method === 'head'
  const own = method === 'get' || row.method.toLowerCase() === method
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => name)
  // Any request can be a bad one; the others that are not this operation's stand under `default`.
  const codes = new Set<ProblemCode>(['bad_request', ...refusalsOf(row)])
  const byStatus = Map.groupBy(codes, (code) => PROBLEMS[code][0])
  return {
    operationId: own ? id : `${id}By${method[0]?.toUpperCase()}${method.slice(1)}`,
    summary,
    tags: [tagOf(row)],
    security: securityOf(row),
    parameters: [
      ...names.map(pathParameter),
      ...query.map((parameter) => parameterOf(parameter, 'query')),
      // OpenAPI leaves `Accept` to the media types of the answers.
      ...headers
        .filter(({ name }) => name !== 'Accept')
        .map((parameter) => parameterOf(parameter, 'header')),
    ],
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            description: body.shape,
            required: body.isOptional !== true,
            content: {
              'application/json': {
                schema: refTo(body.schema),
                ...(example.body !== undefined && own ? { example: JSON.parse(example.body) } : {}),
              },
              ...(body.types.includes(JSON_PATCH)
                ? { [JSON_PATCH]: { schema: refTo('JsonPatch') } }
                : {}),
              ...(query.some(({ name }) => name === 'as')
                ? { 'text/plain': { schema: refTo('Text') } }
                : {}),
            },
          },
        }),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, answer]) => {
          const shown = own && example.status === Number(status) ? example.answer : undefined
          return [status, withProblems(Number(status), answerOf(answer, isHead, shown), isHead)]
        }),
      ),
      ...Object.fromEntries(
        byStatus
          .entries()
          .map(([status, codes]) => [
            status,
            problemAnswer([...new Set([...codes, ...anyWith(status)])]),
          ]),
      ),
      default: { $ref: '#/components/responses/AnyRequest' },
    },
  }
}

function answerOf(
  { carries, schema, types, headers = [] }: Answer,
  isHead: boolean,
  shown?: string,
) {
  const media = types ?? (schema === undefined ? [] : (['application/json'] as const))
  return {
    description: carries,
    ...(headers.length === 0 ? {} : { headers: headerRefs(headers) }),
    ...(media.length === 0 || isHead
      ? {}
      : { content: Object.fromEntries(media.map((type) => [type, mediaOf(type, schema, shown)])) }),
  }
}

/** `/healthz` has a 503 of its own, and may be refused with one as any request: both are listed. */
function withProblems(status: number, answer: ReturnType<typeof answerOf>, isHead: boolean) {
  const codes = anyWith(status)
  if (codes.length === 0) return answer
  const { headers, content } = problemAnswer(codes)
  return {
    ...answer,
    headers: { ...answer.headers, ...headers },
    ...(isHead ? {} : { content: { ...answer.content, ...content } }),
  }
}

function mediaOf(type: MediaType, schema: Answer['schema'], shown: string | undefined): Schema {
  if (type !== 'application/json') return { schema: { type: 'string' } }
  const names = typeof schema === 'string' ? [schema] : (schema ?? [])
  const [only, ...others] = names.map(refTo)
  return {
    schema: others.length === 0 ? (only ?? {}) : { oneOf: [only, ...others] },
    ...(shown === undefined ? {} : { example: JSON.parse(shown) }),
  }
}

/** The refusals of any request that have the status: a response can be listed once only. */
function anyWith(status: number): readonly ProblemCode[] {
  return ANY_REQUEST.filter((code) => PROBLEMS[code][0] === status)
}

function problemAnswer(codes: readonly ProblemCode[], prefix = '') {
  const titles = codes.map((code) => `${PROBLEMS[code][1]} (\`${code}\`)`)
  return {
    description: prefix + titles.join(', '),
    headers: headerRefs(headersOfProblems(codes)),
    content: {
      [PROBLEM]: {
        schema: { allOf: [refTo('Problem'), { properties: { code: { enum: codes } } }] },
      },
    },
  }
}

function headersOfProblems(codes: readonly ProblemCode[]): string[] {
  const statuses = codes.map((code) => PROBLEMS[code][0])
  return [
    ...(statuses.some((status) => [429, 503, 507].includes(status)) ? ['Retry-After'] : []),
    ...(statuses.includes(401) ? ['WWW-Authenticate'] : []),
    ...(codes.includes('insufficient_scope') ? ['WWW-Authenticate'] : []),
    ...(codes.includes('session_required') ? ['Session-Id', 'Session-Sub'] : []),
    // Of two session cookies neither counts, and both are removed.
    ...(codes.includes('session_not_found') ? ['Set-Cookie'] : []),
  ]
}

function headerRefs(names: readonly string[]): Schema {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]))
}

const PATH_PARAMETERS: Readonly<Record<string, Schema>> = {
  id: { description: 'The id of a session', schema: { type: 'string' } },
  key: {
    description: 'The name of a value; a slash in it is written %2F',
    schema: { type: 'string', minLength: 1 },
  },
  name: { description: 'The name of a cookie', schema: { type: 'string', minLength: 1 } },
}

function pathParameter(name: string): Schema {
  return { name, in: 'path', required: true, ...PATH_PARAMETERS[name] }
}

function parameterOf({ name, type, values, fallback, meaning }: Parameter, place: string): Schema {
  const kind = type === 'integer' || type === 'boolean' ? type : 'string'
  return {
    name,
    in: place,
    description: type === 'json' ? `${meaning}, as JSON` : meaning,
    schema: {
      type: kind,
      ...(values === undefined ? {} : { enum: values }),
      ...(fallback === undefined
        ? {}
        : { default: kind === 'string' ? fallback : JSON.parse(fallback) }),
    },
  }
}

function refTo(name: SchemaName): Schema {
  return { $ref: `#/components/schemas/${name}` }
}
