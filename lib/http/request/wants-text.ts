import { accepts } from 'hono/accepts'
import { HttpError } from '../answer/problem.ts'
import type { AppContext } from '../app-env.ts'
import { readHeader } from './request-header.ts'

const JSON_TYPE = 'application/json'
const TEXT_TYPE = 'text/plain'

/** The form of a value that `?as=` asks for; undefined where it is not given. */
export function parseForm(query: ReadonlyMap<string, string>): 'text' | 'json' | undefined {
  const form = query.get('as')
  if (form === undefined || form === 'text' || form === 'json') return form
  throw new HttpError('bad_request', 'Cannot read the query: ?as= must be text or json')
}

/** Whether the caller would rather have a bare value than JSON, by `?as=` or else by `Accept`. */
export function wantsText(c: AppContext, query: ReadonlyMap<string, string>): boolean {
  const form = parseForm(query)
  if (form !== undefined) return form === 'text'
  // The word alone decides nearly always, and without parsing.
  if (readHeader(c, 'accept')?.includes(TEXT_TYPE) !== true) return false
  const supports = [TEXT_TYPE, JSON_TYPE]
  const preferred = accepts(c, {
    header: 'Accept',
    supports,
    default: JSON_TYPE,
    match: (accepted) =>
      accepted.find(({ type, q }) => q > 0 && supports.includes(type))?.type ?? JSON_TYPE,
  })
  return preferred === TEXT_TYPE
}
