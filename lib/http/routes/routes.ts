/** The table of operations as routes: each row with its handler, and 405 for the other methods of its path. */
import { METHODS } from 'node:http'
import type { Handler, Hono } from 'hono'
import { CoatcheckError } from '../../base/errors.ts'
import { emptyKey } from '../../session/limits.ts'
import { type Method, type OperationId, OPERATIONS, showPath } from '../api.ts'
import type { AppContext, AppEnv } from '../app-env.ts'
import { decodeLastSegment } from '../request/request.ts'

/** A handler for each operation; one that is missing, or has no row, is an error of types. */
export type Handlers = Readonly<Record<OperationId, Handler<AppEnv>>>

/** The paths as Hono is given them, in the order of the table. */
const PATTERNS = [...new Set(OPERATIONS.map(([, { path }]) => patternOf(path)))]

/** The paths that there are, as people write them. */
export const SHOWN_PATHS: readonly string[] = PATTERNS.filter((path) => path !== '/').map(showPath)

/** All methods of the server, for `OPTIONS *`. */
export const ALL_METHODS = allowOf(OPERATIONS.map(([, { method }]) => method))

export function mountRoutes(app: Hono<AppEnv>, handlers: Handlers): void {
  for (const pattern of PATTERNS) {
    const rows = OPERATIONS.filter(([, { path }]) => patternOf(path) === pattern)
    const plain = rows.filter(([, { path }]) => path === pattern)
    const actions = rows.filter(([, { path }]) => path !== pattern)
    const allow = createAllow(
      plain.map(([, { method }]) => method),
      actions.map(([, { method, path }]) => [lastSegment(path), method]),
    )

    for (const [id, { method }] of plain) app.on(method, pattern, handlers[id])
    for (const method of new Set(actions.map(([, row]) => row.method))) {
      const bySegment = actions
        .filter(([, row]) => row.method === method)
        .map(([id, { path }]) => [lastSegment(path), handlers[id]] as const)
      app.on(method, pattern, createActions(new Map(bySegment), allow))
    }
    // All else that is asked of the root is told the paths that there are.
    if (pattern !== '/')
      refuseOtherMethods(
        app,
        pattern,
        rows.map(([, row]) => row.method),
        allow,
      )
    if (pattern.endsWith('/:key')) {
      app.on('ALL', pattern.slice(0, -':key'.length), () => {
        throw emptyKey()
      })
    }
  }
}

/**
 * Where a parameter stands beside a fixed segment (`/session/:key`, `/session/renew`) both are one
 * route: two would take the whole app from Hono's fast router to a slow one.
 */
function patternOf(path: string): string {
  const parent = path.slice(0, path.lastIndexOf('/') + 1)
  const siblings = OPERATIONS.map(([, row]) => row.path)
  return (
    siblings.find(
      (other) =>
        other.startsWith(`${parent}:`) && lastSegment(other) === other.slice(parent.length),
    ) ?? path
  )
}

function lastSegment(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

type Allow = (c: AppContext) => string

/** The `Allow` of a path: an action, such as `renew`, has a method that other keys do not have. */
function createAllow(
  methods: readonly Method[],
  actions: readonly (readonly [segment: string, method: Method])[],
): Allow {
  const plain = allowOf(methods)
  if (actions.length === 0) return () => plain
  const bySegment = new Map(
    Map.groupBy(actions, ([segment]) => segment)
      .entries()
      .map(([segment, own]) => [
        segment,
        allowOf([...methods, ...own.map(([, method]) => method)]),
      ]),
  )
  return (c) => bySegment.get(decodeLastSegment(c.req.path)) ?? plain
}

function allowOf(methods: readonly Method[]): string {
  const named = methods.flatMap((method) => {
    if (method === 'ALL') return []
    return method === 'GET' ? ['GET', 'HEAD'] : [method]
  })
  return [...new Set(named)].join(', ')
}

function createActions(
  actions: ReadonlyMap<string, Handler<AppEnv>>,
  allow: Allow,
): Handler<AppEnv> {
  return function act(c, next) {
    const handle = actions.get(decodeLastSegment(c.req.path))
    if (handle === undefined) throw methodRefusal(c, allow(c))
    return handle(c, next)
  }
}

/**
 * Refuses each method that Node's parser knows and the table does not name. Not by `app.all`: Hono
 * would match it beside the handlers that serve, and compose them with promises.
 */
function refuseOtherMethods(
  app: Hono<AppEnv>,
  pattern: string,
  served: readonly Method[],
  allow: Allow,
): void {
  if (served.includes('ALL')) return
  const isServed = (method: string) =>
    served.some((one) => one === method || (one === 'GET' && method === 'HEAD'))
  app.on(
    METHODS.filter((method) => !isServed(method)),
    pattern,
    (c) => {
      throw methodRefusal(c, allow(c))
    },
  )
}

function methodRefusal({ req }: AppContext, allow: string): CoatcheckError {
  return new CoatcheckError(
    'method_not_allowed',
    `Cannot ${req.method} ${req.path}: the methods here are ${allow}`,
    { allow },
  )
}
