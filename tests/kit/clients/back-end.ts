/** What the tests of back ends share: a server that is asked with the API key, and what it answers. */
import {
  API_KEY,
  type Ask,
  openServer,
  type ProblemBody,
  problemOf,
  type Request,
  type ServerOptions,
  type SessionBody,
} from '../process/open-server.ts'
import { checkSetCookie } from '../texts/strict-cookie.ts'

/** A session as back ends see it; the last three where the answer hands something out. */
export type BackEndBody = SessionBody & {
  readonly device: { readonly address?: string; readonly userAgent?: string } | null
  readonly keepEnded?: number
  readonly token?: string
  readonly setCookie?: string
  readonly evicted?: readonly string[]
}

/** A session as `POST /sessions` hands it out, and the cookie that opens it. */
export type Opened = BackEndBody & { readonly cookie: string }

export type ListBody = { readonly sessions: readonly BackEndBody[]; readonly next: string | null }

/** As `openServer`, with `ask`, which shows the key, and `create`, which posts a session. */
export function openBackEnd(options: ServerOptions = {}) {
  const server = openServer(options)
  const ask: Request = (line, more = {}) => server.request(line, { key: API_KEY, ...more })

  async function create(session: object = {}): Promise<Opened> {
    const answer = await ask('POST /sessions', { body: JSON.stringify(session) })
    if (answer.status !== 201) throw new Error(`POST /sessions is ${await answer.text()}`)
    const created = await bodyOf(answer)
    return { ...created, cookie: cookieFor(created.token) }
  }

  return { ...server, ask, create }
}

/** The cookie that a browser would send after it was given the token. */
export function cookieFor(token: string | undefined): string {
  return `sid=${token}`
}

export async function bodyOf(answer: Response): Promise<BackEndBody> {
  const body: BackEndBody = JSON.parse(await answer.text())
  if (body.setCookie !== undefined) checkSetCookie(body.setCookie)
  return body
}

export async function listOf(answer: Response): Promise<ListBody> {
  const body: ListBody = JSON.parse(await answer.text())
  return body
}

/** `404 session_not_found`; of a session that has ended also why: `410 session_ended revoked`. */
export async function endingOf(answer: Response): Promise<string> {
  const problem: ProblemBody = await problemOf(answer)
  const words = [
    answer.status,
    problem.code,
    ...(problem.reason === undefined ? [] : [problem.reason]),
  ]
  return words.join(' ')
}

/** What an ask needs to be a JSON Patch. */
export function jsonPatch(steps: readonly object[]): Ask {
  const headers = { 'content-type': 'application/json-patch+json' }
  return { body: JSON.stringify(steps), headers }
}

/** Every session and tombstone in the file: equal before and after where nothing was changed. */
export function rowsOf({ database }: Pick<ReturnType<typeof openServer>, 'database'>): unknown[] {
  return [
    ...database.prepare('select * from sessions order by number').all(),
    ...database.prepare('select * from tombstones order by id').all(),
  ]
}
