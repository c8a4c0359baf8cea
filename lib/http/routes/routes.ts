/**
 * Mounts the table of operations: a handler for each row, and 405 for the other methods of its
 * path.
 */
import { METHODS } from 'node:http'
import type { Handler, Hono } from 'hono'
import type { KeyScope } from '../../session/api-key.ts'
import { emptyKey } from '../../session/limits.ts'
import { HttpError } from '../answer/problem.ts'
import { type OperationId, OPERATIONS, type Row } from '../api.ts'
import { type ApiOperation, showPath } from '../api-parts.ts'
import type { AppContext, AppEnv } from '../app-env.ts'
import { decodeLastSegment } from '../request/request.ts'

/** A handler for each operation: a missing one, and one without a row, are type errors. */
export type Handlers<Id extends OperationId = OperationId> = Readonly<Record<Id, Handler<AppEnv>>>

/**
 * One of Hono's routes. `actions` are rows such as `POST /session/renew`, where `/session/:key` is
 * a route.
 */
type Route<Id extends OperationId> = {
  readonly path: string
  readonly rows: readonly Row<Id>[]
  readonly actions: readonly Row<Id>[]
}

/** A path below which everything needs an API key, and the scope where it is not by the method. */
export type BackEndTree = { readonly path: string; readonly scope: KeyScope | undefined }

/** The operations of one listener, as its app has them. */
export type Routes<Id extends OperationId = OperationId> = {
  /** The paths, as people write them. */
  readonly shownPaths: readonly string[]
  /** `/sessions`: every path below these needs an API key, whether or not it is in the table. */
  readonly backEndTrees: readonly BackEndTree[]
  /** `Allow` for the server as a whole. */
  readonly allMethods: string
  mount(app: Hono<AppEnv>, handlers: Handlers<Id>): void
}

export function createRoutes<Id extends OperationId>(rows: readonly Row<Id>[]): Routes<Id> {
  const routes = Map.groupBy(rows, ({ path }) => routePath(path))
    .entries()
    .map(([path, some]) => ({
      path,
      rows: some.filter((row) => row.path === path),
      actions: some.filter((row) => row.path !== path),
    }))
    .toArray()
  return {
    shownPaths: routes
      .map(({ path }) => path)
      .filter((path) => path !== '/')
      .map(showPath),
    backEndTrees: Map.groupBy(
      rows.filter(({ who }) => who === 'back_end'),
      ({ path }) => path.split('/', 2).join('/'),
    )
      .entries()
      .map(([path, some]) => ({ path, scope: scopeOfAll(some) }))
      .toArray(),
    allMethods: allowOf(rows),
    mount(app, handlers) {
      for (const route of routes) mountRoute(app, handlers, route)
    },
  }
}

function mountRoute<Id extends OperationId>(
  app: Hono<AppEnv>,
  handlers: Handlers<Id>,
  route: Route<Id>,
): void {
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

function mountActions<Id extends OperationId>(
  app: Hono<AppEnv>,
  handlers: Handlers<Id>,
  route: Route<Id>,
): void {
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
function refuseOtherMethods(app: Hono<AppEnv>, route: Route<OperationId>): void {
  const served = methodsOf([...route.rows, ...route.actions])
  if (served.includes('ALL')) return
  const allow = createAllow(route)
  const others = METHODS.filter((method) => !served.includes(method))
  app.on(others, route.path, function refuseMethod(c) {
    throw methodRefusal(c, allow(c))
  })
}

/** `Allow` for a request's path: the methods of an action are not those of other keys. */
function createAllow({ rows, actions }: Route<OperationId>): (c: AppContext) => string {
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

/** The guard of a tree runs before its routes, so it knows the tree alone. */
function scopeOfAll(rows: readonly ApiOperation[]): KeyScope | undefined {
  const scopes = new Set(rows.map(({ scope }) => scope))
  const [scope] = scopes
  if (scopes.size > 1) throw new Error('The operations of one tree must name one scope, or none')
  return scope
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
