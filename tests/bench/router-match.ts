/** What it costs to find the handler of a request: by the app's router, and by the slow one it could fall to. */
import { TrieRouter } from 'hono/router/trie-router'
import { openServer } from '../kit/process/open-server.ts'
import { median } from './table.ts'

/** CPU time, which a busy machine does not stretch. */
export type RouterMatch = { readonly router: string; readonly matchNs: number }

type Router = {
  readonly name: string
  match(method: string, path: string): unknown
}

const METHOD = 'GET'
const PATH = '/session/user'
const ROUNDS = 9

/** The router of the app first, then a TrieRouter with the same routes; the median of rounds in turn. */
export async function measureRouterMatch(matches = 300_000): Promise<readonly RouterMatch[]> {
  const { app, request } = openServer()
  // The first request decides which router it is.
  await request(`${METHOD} ${PATH}`)
  const trie = new TrieRouter<unknown>()
  for (const { method, path, handler } of app.routes) trie.add(method, path, handler)
  const routers: readonly Router[] = [app.router, trie]

  const times = routers.map((): number[] => [])
  for (let round = 0; round <= ROUNDS; round++) {
    routers.forEach((router, at) => {
      const ns = timeMatches(router, matches)
      // The first round compiles.
      if (round > 0) times[at]?.push(ns)
    })
  }
  return routers.map(({ name }, at) => ({ router: name, matchNs: median(times[at] ?? []) }))
}

export function renderRouterMatch([own, slow]: readonly RouterMatch[]): string {
  if (own === undefined || slow === undefined) return ''
  const times = slow.matchNs / own.matchNs
  return (
    `Router: ${own.router} finds the handler of ${METHOD} ${PATH} in ${own.matchNs.toFixed(0)} ns; ` +
    `a ${slow.router} with the same routes takes ${slow.matchNs.toFixed(0)} ns (${times.toFixed(1)} ×).`
  )
}

function timeMatches(router: Router, matches: number): number {
  const before = process.cpuUsage()
  for (let n = 0; n < matches; n++) router.match(METHOD, PATH)
  const { user, system } = process.cpuUsage(before)
  return ((user + system) * 1_000) / matches
}
