import { METHODS } from 'node:http'
import type { Context, Hono } from 'hono'
import { HttpError } from './problem.ts'
import type { AppEnv } from '../app-env.ts'

/**
 * Refuses on this path each method that Node's parser knows and `allow` does not name. Not by
 * `routes.all`: Hono would match it beside the handlers that serve, and compose them with promises.
 */
export function refuseOtherMethods(
  routes: Hono<AppEnv>,
  path: string,
  allow: string,
  allowAt: (c: Context<AppEnv>) => string = () => allow,
): void {
  const allowed = allow.split(', ')
  const others = METHODS.filter((method) => !allowed.includes(method))
  routes.on(others, path, (c) => {
    throw methodRefusal(c, allowAt(c))
  })
}

export function methodRefusal(c: Context, allow: string): HttpError {
  return new HttpError(
    'method_not_allowed',
    `Cannot ${c.req.method} ${c.req.path}: the methods here are ${allow}`,
    { allow },
  )
}
