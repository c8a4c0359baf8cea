import type { Context } from 'hono'
import { CoatcheckError } from '../errors.ts'
import { decodeSegment } from './segment.ts'

/**
 * The value of a query parameter, `+` being a space. Throws `bad_request` for one that is given
 * twice: whoever reads the first and whoever reads the last must not disagree.
 */
export function readQuery(c: Context, name: string): string | undefined {
  return readQueries(c).get(name)
}

/** All query parameters by name; throws as `readQuery` does. */
export function readQueries(c: Context): Map<string, string> {
  const values = new Map<string, string>()
  const mark = c.req.url.indexOf('?')
  if (mark === -1) return values
  for (const pair of c.req.url.slice(mark + 1).split('&')) {
    if (pair === '') continue
    const [key = '', ...rest] = pair.split('=')
    const name = decode(key)
    if (values.has(name)) {
      throw new CoatcheckError('bad_request', 'Cannot read the query: a parameter is given twice')
    }
    values.set(name, decode(rest.join('=')))
  }
  return values
}

/** `true` or `false`; undefined where the parameter is not given. */
export function readFlag(c: Context, name: string): boolean | undefined {
  const value = readQuery(c, name)
  if (value === undefined || value === 'true' || value === 'false') {
    return value === undefined ? undefined : value === 'true'
  }
  throw new CoatcheckError('bad_request', `Cannot read the query: ?${name}= must be true or false`)
}

function decode(text: string): string {
  return decodeSegment(text.replaceAll('+', ' '))
}
