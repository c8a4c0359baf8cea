/**
 * A request's own parts: headers, query, path, and the form that its caller wants. They read what
 * Node has parsed already. The web's `Request`, `Headers` and `URL` cost more than the rest of a
 * read: measure with `npm run bench -- --operations get` before replacing one.
 */
import { HttpError } from '../answer/problem.ts'
import { accepts } from 'hono/accepts'
import type { AppContext, AppEnv } from '../app-env.ts'

/** A header of the request, its name in lower case; several of one name are joined by commas. */
export function readHeader(c: AppContext, name: string): string | undefined {
  const value = c.env.incoming.headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}

/** The media type of the body, in lower case and without parameters; empty where none is given. */
export function contentTypeOf(c: AppContext): string {
  const header = readHeader(c, 'content-type') ?? ''
  const semicolon = header.indexOf(';')
  return (semicolon === -1 ? header : header.slice(0, semicolon)).trim().toLowerCase()
}

/**
 * Hono's `getPath`: the path as it was sent. A key may be `..` or hold a `%2F`, which the URL
 * standard would resolve and a router decode.
 */
export function rawPath(_request: Request, options?: { env?: AppEnv['Bindings'] }): string {
  const target = options?.env?.incoming.url ?? '/'
  const mark = target.indexOf('?')
  return mark === -1 ? target : target.slice(0, mark)
}

/**
 * One segment of a raw path, percent-decoded. Throws `bad_request` for an escape that is malformed
 * or not UTF-8, so the name used is always the one that was asked for.
 */
export function decodeSegment(raw: string): string {
  if (!raw.includes('%')) return raw
  try {
    return decodeURIComponent(raw)
  } catch {
    throw new HttpError(
      'bad_request',
      'Cannot read the path: it has a malformed percent escape; an escape is UTF-8, as in %C3%A9, and ' +
        'the percent sign itself is %25',
    )
  }
}

/**
 * The last segment of a raw path, decoded; Hono's `c.req.param` keeps a malformed escape as it is.
 */
export function decodeLastSegment(path: string): string {
  return decodeSegment(path.slice(path.lastIndexOf('/') + 1))
}

export type Query = ReadonlyMap<string, string>

const NO_QUERY: Query = new Map()

/**
 * All query parameters by name, `+` being a space. Throws `bad_request` for one that is given
 * twice: programs that take the first and programs that take the last must not disagree.
 */
export function readQueries(c: AppContext): Query {
  const target = c.env.incoming.url ?? ''
  const mark = target.indexOf('?')
  if (mark === -1) return NO_QUERY
  const values = new Map<string, string>()
  for (const pair of target.slice(mark + 1).split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const name = decodeParameter(equals === -1 ? pair : pair.slice(0, equals))
    if (values.has(name)) {
      throw new HttpError('bad_request', 'Cannot read the query: a parameter is given twice')
    }
    values.set(name, equals === -1 ? '' : decodeParameter(pair.slice(equals + 1)))
  }
  return values
}

/** `true` or `false`; undefined where the parameter is not given. */
export function parseFlag(name: string, query: Query): boolean | undefined {
  const value = query.get(name)
  if (value === undefined || value === 'true' || value === 'false') {
    return value === undefined ? undefined : value === 'true'
  }
  throw new HttpError('bad_request', `Cannot read the query: ?${name}= must be true or false`)
}

/** The form of a value that `?as=` asks for; undefined where it is not given. */
export function parseForm(query: Query): 'text' | 'json' | undefined {
  const form = query.get('as')
  if (form === undefined || form === 'text' || form === 'json') return form
  throw new HttpError('bad_request', 'Cannot read the query: ?as= must be text or json')
}

const JSON_TYPE = 'application/json'
const TEXT_TYPE = 'text/plain'

/** Whether the caller prefers a bare value to JSON: `?as=` decides, or else `Accept`. */
export function wantsText(c: AppContext, query: Query): boolean {
  const form = parseForm(query)
  if (form !== undefined) return form === 'text'
  return prefersType(c, TEXT_TYPE, JSON_TYPE)
}

/** Whether the caller would rather have the first media type than the second, which is the default. */
export function prefersType(c: AppContext, type: string, fallback: string): boolean {
  // Decides nearly always, without parsing.
  if (readHeader(c, 'accept')?.includes(type) !== true) return false
  const supports = [type, fallback]
  const preferred = accepts(c, {
    header: 'Accept',
    supports,
    default: fallback,
    match: (accepted) =>
      accepted.find((one) => one.q > 0 && supports.includes(one.type))?.type ?? fallback,
  })
  return preferred === type
}

function decodeParameter(text: string): string {
  // control: query-escapes
  return decodeSegment(text.replaceAll('+', ' '))
}
