/** The routes by which requests are counted: those of the table, found without an allocation. */
import { createHttpCounts, type HttpCounts } from '../../metrics/http-counts.ts'
import { PROBLEMS } from '../answer/problem.ts'
import { OPERATIONS } from '../api.ts'
import { templateOf } from '../api-parts.ts'

/** Paths that are no operations of the API. */
const PAGES = ['/docs/*', '/tour/*', '/dashboard/*']

const PATHS = [...new Set([...OPERATIONS.map(({ path }) => path), ...PAGES])]

/** Their names in metrics; the last is for all else. */
export const METRIC_ROUTES: readonly string[] = [...PATHS.map(templateOf), 'other']

const OTHER = METRIC_ROUTES.length - 1

/** Who looks at an idle server sees it idle. */
const WATCHING: ReadonlySet<string> = new Set(['/dashboard', '/metrics', '/healthz'])

/** The counts of a server: by these routes, and by every refusal that there is. */
export function createServerCounts(): HttpCounts {
  return createHttpCounts(METRIC_ROUTES, Object.keys(PROBLEMS), (route) => WATCHING.has(route))
}

/** The routes whose first segment is this one. */
type Tree = {
  /** `/session` */
  readonly first: string
  /** By the number of segments behind the first: the last one is a fixed one or a parameter. */
  readonly depths: readonly Depth[]
  /** The place of a route that has all that is behind it; else of none. */
  readonly rest: number
}

type Depth = {
  readonly fixed: readonly { readonly segment: string; readonly place: number }[]
  readonly parameter: number
}

const FIRSTS = new Set(PATHS.map((path) => path.split('/', 2).join('/')))
const TREES: readonly Tree[] = [...FIRSTS].map((first) => ({
  first,
  depths: [0, 1, 2].map((depth) => depthOf(first, depth)),
  rest: placeOf(`${first}/*`),
}))
/** By the length of their first segment: few have the same. */
const BY_LENGTH: readonly (readonly Tree[])[] = Array.from({ length: 32 }, (_, length) =>
  TREES.filter(({ first }) => first.length === length),
)

function depthOf(first: string, depth: number): Depth {
  const own = PATHS.filter(
    (path) => path.split('/').length === depth + 2 && path.split('/', 2).join('/') === first,
  )
  const lastOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)
  const fixed = own.filter((path) => !/^[:*]/.test(lastOf(path)))
  const parameter = own.find((path) => lastOf(path).startsWith(':'))
  return {
    fixed: fixed.map((path) => ({ segment: lastOf(path), place: placeOf(path) })),
    parameter: parameter === undefined ? OTHER : placeOf(parameter),
  }
}

function placeOf(path: string): number {
  const place = PATHS.indexOf(path)
  return place === -1 ? OTHER : place
}

/** The place of a request's target in `METRIC_ROUTES`. */
export function metricRouteOf(target: string | undefined): number {
  if (target === undefined) return OTHER
  const query = target.indexOf('?')
  const end = query === -1 ? target.length : query
  const second = slashFrom(target, 1, end)
  for (const tree of BY_LENGTH[second] ?? []) {
    if (target.startsWith(tree.first)) return routeIn(tree, target, second, end)
  }
  return OTHER
}

/** `second`: where the second segment's slash is, or the end. */
function routeIn(
  { depths, rest, first }: Tree,
  target: string,
  second: number,
  end: number,
): number {
  if (rest !== OTHER) return rest
  if (second === end) return depths[0]?.fixed[0]?.place ?? OTHER
  if (first === '/') return OTHER
  const third = slashFrom(target, second + 1, end)
  if (third === end) return placeAt(depths[1], target, second + 1, end)
  // An empty segment is no parameter.
  if (third === second + 1 || slashFrom(target, third + 1, end) !== end) return OTHER
  return placeAt(depths[2], target, third + 1, end)
}

function placeAt(depth: Depth | undefined, target: string, from: number, end: number): number {
  if (depth === undefined || from === end) return OTHER
  for (const { segment, place } of depth.fixed) {
    if (end - from === segment.length && target.startsWith(segment, from)) return place
  }
  return depth.parameter
}

function slashFrom(target: string, from: number, end: number): number {
  const slash = target.indexOf('/', from)
  return slash === -1 || slash > end ? end : slash
}
