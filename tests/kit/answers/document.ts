/** The OpenAPI document as a judge of answers: what is documented, and whether an answer is so. */
import Ajv2020 from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { PROBLEMS } from '../../../lib/http/answer/problem.ts'
import { ANY_REQUEST } from '../../../lib/http/api-parts.ts'
import { OPERATIONS } from '../../../lib/http/api.ts'
import { renderOpenApi } from '../../../lib/http/openapi.ts'
import type { RecordedAnswer } from './recorder.ts'

type Media = { readonly schema?: unknown; readonly example?: unknown }
export type DocumentedAnswer = {
  readonly $ref?: string
  readonly headers?: Readonly<Record<string, unknown>>
  readonly content?: Readonly<Record<string, Media>>
}
export type DocumentedOperation = {
  readonly operationId: string
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> }
  readonly responses: Readonly<Record<string, DocumentedAnswer>>
}
export type OpenApi = {
  readonly paths: Readonly<Record<string, Readonly<Record<string, DocumentedOperation>>>>
  readonly components: {
    readonly schemas: Readonly<Record<string, unknown>>
    readonly responses: Readonly<Record<string, DocumentedAnswer>>
  }
}

export const DOCUMENT: OpenApi = JSON.parse(renderOpenApi())

/** Headers that say something of an answer; the others are those of any HTTP. */
const TELLING = [
  ...['etag', 'set-cookie', 'location', 'allow', 'warning', 'session-id', 'session-sub'],
  ...['retry-after', 'www-authenticate', 'preference-applied', 'session-token'],
]

const NAME = 'openapi.json'
const ajv = new Ajv2020.default({ strict: false, allErrors: true })
addFormats.default(ajv)
ajv.addSchema(DOCUMENT, NAME)
const validators = new Map<string, ReturnType<typeof ajv.compile>>()

/** A path of the document, and the method there; undefined where the document has no such operation. */
export type Place = { readonly path: string; readonly method: string }

/** Fixed paths before those with a parameter, as they are routed. */
const PATTERNS = OPERATIONS.map(({ path }) => path)
  .filter((path, at, all) => all.indexOf(path) === at)
  .toSorted((a, b) => Number(a.includes(':')) - Number(b.includes(':')))
  .map((path) => ({
    path: path.replace(/\/\*$/, '').replace(/:(\w+)/g, '{$1}'),
    pattern: new RegExp(
      `^${path
        .replaceAll('.', '\\.')
        .replace(/\/\*$/, '(/.*)?')
        .replace(/:(\w+)/g, '[^/]+')}$`,
    ),
  }))

/** Where a request belongs, by its method and target. */
export function placeOf(method: string, target: string): Place | undefined {
  const [path = ''] = target.replace(/^https?:\/\/[^/?]*/i, '').split(/[?#]/, 1)
  // `OPTIONS *`, and an absolute target without a path: RFC 9112 section 3.2.
  const asked = path === '' || path === '*' ? '/' : path
  const lower = method.toLowerCase()
  for (const { path: template, pattern } of PATTERNS) {
    if (!pattern.test(asked)) continue
    const methods = DOCUMENT.paths[template] ?? {}
    if (methods[lower] !== undefined) return { path: template, method: lower }
    // A document can name some methods only, where the path takes every one.
    if (isForAny(template)) return { path: template, method: 'get' }
  }
  return undefined
}

function isForAny(template: string): boolean {
  return OPERATIONS.some(({ method, path }) => method === 'ALL' && path === `${template}/*`)
}

const STATUSES = new Map<string, number>(
  Object.entries(PROBLEMS).map(([code, [status]]) => [code, status]),
)
/** All that can be seen of a refusal to HEAD. */
const ANY_STATUSES: readonly number[] = ANY_REQUEST.map((code) => PROBLEMS[code][0])

/** Codes that come to what is no operation: an unknown path, another method, an empty key, no right. */
const BESIDE_OPERATIONS = [
  ...['route_not_found', 'method_not_allowed', 'invalid_key', 'cross_origin'],
  ...['api_key_required', 'insufficient_scope', 'too_many_failures'],
]

/** What is wrong with an answer by the document; undefined for nothing. */
export function faultOf(answer: RecordedAnswer): string | undefined {
  const { method, target, status } = answer
  const code = codeOfAnswer(answer)
  if (code !== undefined && STATUSES.get(code) !== status) {
    return `the code ${code} is not one of status ${status}`
  }
  const asked = method === undefined || target === undefined ? undefined : placeOf(method, target)
  // Each of two listeners lacks what is on the other alone.
  const place = code === 'route_not_found' ? undefined : asked
  return place === undefined ? faultBeside(answer) : faultAt(place, answer)
}

/** The stable code of a refusal; undefined for an answer that is none. */
export function codeOfAnswer({ headers, body }: RecordedAnswer): string | undefined {
  if (headers['content-type'] !== 'application/problem+json' || body === '') return undefined
  const { code }: { code?: string } = JSON.parse(body)
  return code
}

function faultBeside(answer: RecordedAnswer): string | undefined {
  const code = codeOfAnswer(answer)
  // The answer to HEAD has no body, and there is nothing to look at.
  if (code === undefined && answer.method === 'HEAD') return undefined
  // Pages are for people, and no operations.
  const target = answer.target ?? ''
  if (code === undefined && /^\/(?:docs|tour|dashboard)(?:[/?]|$)/.test(target)) return undefined
  if (/^\/dashboard(?:[/?]|$)/.test(target)) {
    return faultInBody(answer, '/components/schemas/Problem')
  }
  // What follows nonsense on a connection may be the answer to anything.
  if (answer.method === undefined && code !== undefined) {
    return faultInBody(answer, '/components/schemas/Problem')
  }
  const any = DOCUMENT.components.responses['AnyRequest']
  if (code !== undefined && [...codesIn(any), ...BESIDE_OPERATIONS].includes(code)) {
    return faultInBody(answer, '/components/schemas/Problem')
  }
  if (answer.method === undefined) return undefined
  return `no operation has this answer: ${answer.status} ${code ?? ''}`
}

function faultAt({ path, method }: Place, answer: RecordedAnswer): string | undefined {
  const { status, headers, body } = answer
  const responses = DOCUMENT.paths[path]?.[method]?.responses ?? {}
  const own = responses[String(status)]
  const [documented, pointer] =
    own === undefined
      ? ([DOCUMENT.components.responses['AnyRequest'], '/components/responses/AnyRequest'] as const)
      : ([own, `/paths/${escape(path)}/${method}/responses/${status}`] as const)
  const missing = TELLING.filter((name) => name in headers).filter(
    (name) => !Object.keys(documented?.headers ?? {}).some((one) => one.toLowerCase() === name),
  )
  if (missing.length > 0) return `undocumented header ${missing.join(', ')} of ${status}`
  // No body: the answer to HEAD has the type of the one to GET.
  const mayBeEmpty = documented?.content === undefined || 'preference-applied' in headers
  if (method === 'head' || (body === '' && mayBeEmpty)) {
    const isKnown = own !== undefined || (method === 'head' && ANY_STATUSES.includes(status))
    return isKnown ? undefined : `undocumented status ${status}`
  }
  const type = headers['content-type']?.split(';', 1)[0] ?? ''
  if (documented?.content?.[type] === undefined) {
    return `undocumented type ${type} of ${status}`
  }
  if (type.startsWith('text/') || type === 'application/openmetrics-text') return undefined
  return faultInBody(answer, `${pointer}/content/${escape(type)}/schema`)
}

function faultInBody({ body }: RecordedAnswer, pointer: string): string | undefined {
  let validate = validators.get(pointer)
  if (validate === undefined) {
    validate = ajv.compile({ $ref: `${NAME}#${pointer}` })
    validators.set(pointer, validate)
  }
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    return 'the body is no JSON'
  }
  if (validate(value)) return undefined
  return (validate.errors ?? [])
    .map(
      ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
    )
    .join('; ')
}

/** The codes that a documented refusal may have. */
export function codesIn(answer: DocumentedAnswer | undefined): readonly string[] {
  const schema = answer?.content?.['application/problem+json']?.schema as
    { allOf: [unknown, { properties: { code: { enum: string[] } } }] } | undefined
  return schema?.allOf[1].properties.code.enum ?? []
}

function escape(part: string): string {
  return part
    .replaceAll('~', '~0')
    .replaceAll('/', '~1')
    .replaceAll('{', '%7B')
    .replaceAll('}', '%7D')
}
