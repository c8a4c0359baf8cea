/**
 * Mounts the table of operations: a handler for each row, and 405 for the other methods of its
 * path.
 */
import { METHODS } from 'node:http'
import type { Handler, Hono } from 'hono'
import { emptyKey } from '../../session/limits.ts'
import { HttpError } from '../answer/problem.ts'
import { type OperationId, OPERATIONS, type Row } from '../api.ts'
import { showPath } from '../api-parts.ts'
import type { AppContext, AppEnv } from '../app-env.ts'
import { decodeLastSegment } from '../request/request.ts'

/** A handler for each operation: a missing one, and one without a row, are type errors. */
export type Handlers = Readonly<Record<OperationId, Handler<AppEnv>>>

/**
 * One of Hono's routes. `actions` are rows such as `POST /session/renew`, where `/session/:key` is
 * a route.
 */
type Route = {
  readonly path: string
  readonly rows: readonly Row[]
  readonly actions: readonly Row[]
}

const ROUTES: readonly Route[] = Map.groupBy(OPERATIONS, ({ path }) => routePath(path))
  .entries()
  .map(([path, rows]) => ({
    path,
    rows: rows.filter((row) => row.path === path),
    actions: rows.filter((row) => row.path !== path),
  }))
  .toArray()

/** The paths of the API, as people write them. */
export const SHOWN_PATHS: readonly string[] = ROUTES.map(({ path }) => path)
  .filter((path) => path !== '/')
  .map(showPath)

/** `/sessions`: every path below these needs an API key, whether or not it is in the table. */
export const BACK_END_TREES: readonly string[] = [
  ...new Set(
    OPERATIONS.filter(({ who }) => who === 'back_end').map(({ path }) =>
      path.split('/', 2).join('/'),
    ),
  ),
]

/** `Allow` for the server as a whole. */
export const ALL_METHODS = allowOf(OPERATIONS)

export function mountRoutes(app: Hono<AppEnv>, handlers: Handlers): void {
  for (const route of ROUTES) {
    for (const { id, method } of route.rows) app.on(method, route.path, handlers[id])
    mountActions(app, handlers, route)
    // Any other request for the root is a 404, which lists the paths that there are.
    if (route.path !== '/') refuseOtherMethods(app, route)
    if (route.path.endsWith('/:key')) {
      app.on('ALL', route.path.slice(0, -':key'.length), function refuseEmptyKey() {
        throw emptyKey()
      })
    }
  }
}

function mountActions(app: Hono<AppEnv>, handlers: Handlers, route: Route): void {
  const allow = createAllow(route)
  for (const [method, rows] of Map.groupBy(route.actions, (row) => row.method)) {
    const actions = new Map(rows.map(({ id, path }) => [lastSegment(path), handlers[id]]))
    app.on(method, route.path, function act(c, next) {
      const handle = actions.get(decodeLastSegment(c.req.path))
      if (handle === undefined) throw methodRefusal(c, allow(c))
      return handle(c, next)
    })
  }
}

/**
 * Refuses every method that Node's parser knows and the table does not name. Not by `app.all`: Hono
 * would match that beside the handlers, and compose them with promises.
 */
function refuseOtherMethods(app: Hono<AppEnv>, route: Route): void {
  const served = methodsOf([...route.rows, ...route.actions])
  if (served.includes('ALL')) return
  const allow = createAllow(route)
  const others = METHODS.filter((method) => !served.includes(method))
  app.on(others, route.path, function refuseMethod(c) {
    throw methodRefusal(c, allow(c))
  })
}

/** `Allow` for a request's path: the methods of an action are not those of other keys. */
function createAllow({ rows, actions }: Route): (c: AppContext) => string {
  const plain = allowOf(rows)
  if (actions.length === 0) return () => plain
  const bySegment = new Map(
    Map.groupBy(actions, ({ path }) => lastSegment(path))
      .entries()
      .map(([segment, own]) => [segment, allowOf([...rows, ...own])]),
  )
  return (c) => bySegment.get(decodeLastSegment(c.req.path)) ?? plain
}

function allowOf(rows: readonly Row[]): string {
  return methodsOf(rows)
    .filter((method) => method !== 'ALL')
    .join(', ')
}

function methodsOf(rows: readonly Row[]): readonly string[] {
  const methods = rows.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
  return [...new Set(methods)]
}

/**
 * A fixed segment beside a parameter (`/session/renew`, `/session/:key`) shares its route: as a
 * route of its own it would take the whole app from Hono's RegExpRouter to its slow TrieRouter.
 */
function routePath(path: string): string {
  const parent = path.slice(0, path.lastIndexOf('/'))
  const parameter = OPERATIONS.find(
    (other) => other.path === `${parent}/${lastSegment(other.path)}` && isParameter(other.path),
  )
  return parameter?.path ?? path
}

function isParameter(path: string): boolean {
  return lastSegment(path).startsWith(':')
}

function lastSegment(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function methodRefusal({ req }: AppContext, allow: string): HttpError {
  return new HttpError(
    'method_not_allowed',
    `Cannot ${req.method} ${req.path}: the methods here are ${allow}`,
    { allow },
  )
}
