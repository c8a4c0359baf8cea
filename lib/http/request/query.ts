import { HttpError } from '../answer/problem.ts'
import type { AppContext } from '../app-env.ts'
import { decodeSegment } from './segment.ts'

const NONE: ReadonlyMap<string, string> = new Map()

/**
 * All query parameters by name, `+` being a space. Throws `bad_request` for one that is given twice:
 * whoever reads the first and whoever reads the last must not disagree.
 */
export function readQueries(c: AppContext): ReadonlyMap<string, string> {
  const target = c.env.incoming.url ?? ''
  const mark = target.indexOf('?')
  if (mark === -1) return NONE
  const values = new Map<string, string>()
  for (const pair of target.slice(mark + 1).split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const name = decode(equals === -1 ? pair : pair.slice(0, equals))
    if (values.has(name)) {
      throw new HttpError('bad_request', 'Cannot read the query: a parameter is given twice')
    }
    values.set(name, equals === -1 ? '' : decode(pair.slice(equals + 1)))
  }
  return values
}

/** `true` or `false`; undefined where the parameter is not given. */
export function parseFlag(name: string, query: ReadonlyMap<string, string>): boolean | undefined {
  const value = query.get(name)
  if (value === undefined || value === 'true' || value === 'false') {
    return value === undefined ? undefined : value === 'true'
  }
  throw new HttpError('bad_request', `Cannot read the query: ?${name}= must be true or false`)
}

function decode(text: string): string {
  return decodeSegment(text.replaceAll('+', ' '))
}
