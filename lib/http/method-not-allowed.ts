import type { Context, Handler } from 'hono'
import { CoatcheckError } from '../errors.ts'

/** The last handler of a path: whatever the ones before it do not take. */
export function methodNotAllowed(allow: string): Handler {
  return function methodNotAllowed(c) {
    throw methodRefusal(c, allow)
  }
}

export function methodRefusal(c: Context, allow: string): CoatcheckError {
  return new CoatcheckError(
    'method_not_allowed',
    `Cannot ${c.req.method} ${c.req.path}: the methods here are ${allow}`,
    { allow },
  )
}
