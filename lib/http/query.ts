import { CoatcheckError } from '../errors.ts'
import type { AppContext } from './app-env.ts'
import { decodeSegment } from './segment.ts'

/**
 * The value of a query parameter, `+` being a space. Throws `bad_request` for one that is given
 * twice: whoever reads the first and whoever reads the last must not disagree.
 */
export function readQuery(c: AppContext, name: string): string | undefined {
  const mark = c.req.url.indexOf('?')
  if (mark === -1) return undefined
  const values = c.req.url
    .slice(mark + 1)
    .split('&')
    .map((pair) => pair.split('='))
    .filter(([key = '']) => decode(key) === name)
    .map(([, ...value]) => decode(value.join('=')))
  if (values.length > 1) {
    throw new CoatcheckError('bad_request', `Cannot read the query: ?${name}= is given twice`)
  }
  return values[0]
}

/** `true` or `false`; undefined where the parameter is not given. */
export function readFlag(c: AppContext, name: string): boolean | undefined {
  const value = readQuery(c, name)
  if (value === undefined || value === 'true' || value === 'false') {
    return value === undefined ? undefined : value === 'true'
  }
  throw new CoatcheckError('bad_request', `Cannot read the query: ?${name}= must be true or false`)
}

function decode(text: string): string {
  return decodeSegment(text.replaceAll('+', ' '))
}
