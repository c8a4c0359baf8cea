/** A person at the dashboard, as the tests of its pages have one: a server, a key and a browser's headers. */
import { mintApiKey } from '../../../lib/session/api-key.ts'
import type { KeyScope } from '../../../lib/session/api-key.ts'
import { hashSecret } from '../../../lib/session/token.ts'
import { API_KEY, type Ask, openServer, type ServerOptions } from '../process/open-server.ts'

export const AS_BROWSER = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

export type DashboardServer = ReturnType<typeof openDashboard>

/** As `openServer`, with what a browser does. */
export function openDashboard(options: ServerOptions = {}) {
  const server = openServer(options)

  function get(path: string, cookie = '', ask: Ask = {}): Promise<Response> {
    const headers = { ...AS_BROWSER, ...ask.headers }
    return server.request(`GET ${path}`, { ...ask, cookie, headers })
  }

  function post(path: string, fields: object, cookie = '', ask: Ask = {}): Promise<Response> {
    const body = String(new URLSearchParams(Object.entries(fields)))
    const headers = { ...AS_BROWSER, ...FORM, ...ask.headers }
    return server.request(`POST ${path}`, { ...ask, cookie, body, headers })
  }

  /** The cookie of who has logged in with this key. */
  async function logIn(key = API_KEY): Promise<string> {
    return cookieOf(await post('/dashboard/login', { key }))
  }

  /** A key of the store. */
  async function makeKey(name: string, scope: KeyScope = 'all', app?: string): Promise<string> {
    const key = mintApiKey()
    const made = { hash: hashSecret(key), name, scope, ...(app !== undefined && { app }) }
    await server.store.keys.add({ ...made, createdAt: server.clock.now(), revokedAt: null })
    return key
  }

  /** The id of a new session, made with a key of the app. */
  async function create(session: object, app?: string): Promise<string> {
    const key =
      app === undefined ? API_KEY : await makeKey(`of-${app}-${Math.random()}`, 'all', app)
    const answer = await server.request('POST /sessions', { key, body: JSON.stringify(session) })
    const { id }: { id: string } = JSON.parse(await answer.text())
    return id
  }

  return { ...server, get, post, logIn, makeKey, create }
}

/** `name=value` of the cookie that an answer sets. */
export function cookieOf(answer: Response): string {
  return answer.headers.getSetCookie()[0]?.split(';', 1)[0] ?? ''
}

/** The status and, for one that leads on, where to. */
export function statusOf(answer: Response): string {
  const location = answer.headers.get('location')
  return location === null ? String(answer.status) : `${answer.status} ${location}`
}
