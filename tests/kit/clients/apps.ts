/** A server with the back ends of several apps, each with a key of its own. */
import { hashSecret } from '../../../lib/session/token.ts'
import { bodyOf, cookieFor, listOf, type Opened, openBackEnd } from './back-end.ts'
import type { Ask, Request, ServerOptions } from '../process/open-server.ts'

/** The names begin alike, and the first is that of no app: its key sees all. */
export const APPS = [undefined, 'shop', 'shop-b', 's'] as const

export type AppName = (typeof APPS)[number]

/** The back end of one app. */
export type AppClient = {
  readonly app: AppName
  readonly ask: Request
  /** A session with a token. */
  create(session?: object): Promise<Opened>
  /** A session of this id, without a token. */
  put(id: string, session?: object): Promise<Response>
  /** The ids of all pages. */
  list(query?: string): Promise<string[]>
  count(query?: string): Promise<number>
}

export function keyOf(app: AppName): string {
  return `ck_the-key-of-the-tests-${app ?? 'of-all'}`
}

export async function openApps(options: ServerOptions = {}) {
  const server = openBackEnd(options)
  const back = new Map<AppName, AppClient>()
  for (const app of APPS) {
    const key = keyOf(app)
    const hash = hashSecret(key)
    const named = { name: app ?? 'all', scope: 'all', createdAt: 1, revokedAt: null } as const
    await server.store.keys.add({ hash, ...named, ...(app === undefined ? {} : { app }) })
    back.set(app, openApp(server.request, app, key))
  }
  const of = (app: AppName): AppClient => {
    const client = back.get(app)
    if (client === undefined) throw new Error('No such app')
    return client
  }
  return { ...server, of }
}

function openApp(request: Request, app: AppName, key: string): AppClient {
  const ask: Request = (line, more: Ask = {}) => request(line, { key, ...more })
  return {
    app,
    ask,
    async create(session = {}) {
      const answer = await ask('POST /sessions', { body: JSON.stringify(session) })
      if (answer.status !== 201) throw new Error(`POST /sessions is ${await answer.text()}`)
      const created = await bodyOf(answer)
      return { ...created, cookie: cookieFor(created.token) }
    },
    put: (id, session = {}) => ask(`PUT /sessions/${id}`, { body: JSON.stringify(session) }),
    async list(query = '') {
      const ids: string[] = []
      for (let after = ''; ;) {
        const { sessions, next } = await listOf(await ask(`GET /sessions?limit=2${query}${after}`))
        ids.push(...sessions.map(({ id }) => id))
        if (next === null) return ids
        after = `&after=${next}`
      }
    },
    async count(query = '') {
      const answer = await ask(`GET /sessions?count=true${query}`)
      const { count }: { count: number } = JSON.parse(await answer.text())
      return count
    },
  }
}
