/** The text of requests. What it is made of cannot end a header, whoever chose it. */
import { invalidArgument } from './errors.ts'

/** Renders a whole request as latin1; `fields` are lines, each with its CR LF. */
export type RequestText = (
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  path: string,
  fields: string,
  body?: string,
) => string

export function createRequestText(
  { host, basePath }: { readonly host: string; readonly basePath: string },
  apiKey: string,
): RequestText {
  const key = readApiKey(apiKey)
  const fixed = ` HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${key}\r\n`
  return (method, path, fields, body) => {
    if (!TARGET.test(path)) {
      throw invalidArgument(
        'Cannot send the request: its path or query has something that must be encoded',
      )
    }
    const head = `${method} ${basePath}${path}${fixed}${fields}`
    if (body === undefined)
      return method === 'POST' ? `${head}Content-Length: 0\r\n\r\n` : `${head}\r\n`
    const bytes = Buffer.byteLength(body)
    const text = bytes === body.length ? body : Buffer.from(body).toString('latin1')
    return `${head}Content-Length: ${bytes}\r\n\r\n${text}`
  }
}

/** What ends nothing in the first line: `encodeURIComponent` leaves no other. */
const TARGET = /^[\x21-\x7e]+$/

/** What a header's value may have: no control characters, and nothing that is no byte. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/** Throws `invalid_argument` for a value that would break the header. */
export function fieldLine(name: string, value: string): string {
  // control: client-field-values
  if (FIELD_VALUE.test(value)) return `${name}: ${value}\r\n`
  throw invalidArgument(
    `Cannot send ${name}: it must be one line of bytes, it has a control character or one beyond them`,
  )
}

/** A key as a segment of a path. Throws `invalid_argument` for an empty one, and half a surrogate pair. */
export function keySegment(key: string): string {
  if (typeof key !== 'string' || key === '') {
    throw invalidArgument('Cannot use a key: it must be a string that is not empty')
  }
  return encode(key, 'a key')
}

/** The id of a session as a segment of a path; `shop~ID` for a key that sees all apps. */
export function idSegment(id: string): string {
  if (typeof id === 'string' && id.length > 0 && id.length <= 200) return encode(id, 'an id')
  throw invalidArgument('Cannot use an id: it must be the id of a session, 1 to 128 characters')
}

/** Throws `invalid_argument` unless this can be a user: an unknown one must not mean nobody, or "undefined". */
export function requireSub(sub: unknown, action: string): void {
  requireText(sub, action, 'sub, the user,')
}

export function requireText(value: unknown, action: string, name: string): void {
  if (typeof value === 'string' && value !== '') return
  const given = value === '' ? 'an empty one' : value === null ? 'null' : typeof value
  throw invalidArgument(
    `Cannot ${action}: ${name} must be a string that is not empty, got ${given}`,
  )
}

/** A part of a query. */
export function queryValue(value: string): string {
  return encode(value, 'a parameter')
}

function encode(text: string, what: string): string {
  try {
    return encodeURIComponent(text)
  } catch {
    throw invalidArgument(`Cannot use ${what}: it has half a surrogate pair`)
  }
}

/** Without the line break that a file ends with. */
function readApiKey(apiKey: unknown): string {
  const key = typeof apiKey === 'string' ? apiKey.trim() : ''
  if (/^ck_[\w-]{21,200}$/.test(key)) return key
  // Without the key: it may be one all the same.
  const fault = key === '' ? 'it is missing' : 'it must be ck_ and 21 to 200 of A-Za-z0-9_-'
  throw invalidArgument(
    `Cannot use the apiKey: ${fault}; the first start of Coatcheck writes one beside its data file`,
  )
}
