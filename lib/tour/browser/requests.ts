/** Requests to the server, the only ones that this page makes. */
import { readTime } from './clock.ts'
import { LANGUAGE_COOKIE } from './words/language-cookie.ts'
import type { Answer, Ask } from './tutorial/operations.ts'
import { bringsTicket, type Cookie, readSession, type State } from './state.ts'
import { parseCookies } from './tutorial/set-cookie.ts'

/** A request and its answer, as they went. */
export type Exchange = {
  readonly ask: Ask
  readonly headers: readonly (readonly [string, string])[]
  /** Undefined where the server did not answer. */
  readonly answer: (Answer & { readonly line: string; readonly headers: Headers }) | undefined
  readonly tookMs: number
}

export async function exchange(ask: Ask): Promise<Exchange> {
  const { method, path, body } = ask
  const headers: Record<string, string> = {
    ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    ...ask.headers,
  }
  const start = performance.now()
  const response = await fetch(path, {
    method,
    headers,
    cache: 'no-store',
    ...(body === undefined ? {} : { body }),
  }).catch(() => undefined)
  const text = await response?.text().catch(() => undefined)
  const answered =
    response === undefined || text === undefined
      ? undefined
      : {
          status: response.status,
          line: `${response.status} ${response.statusText}`.trim(),
          headers: response.headers,
          body: text.replace(/\n$/, ''),
        }
  const tookMs = performance.now() - start
  return { ask, headers: Object.entries(headers), answer: answered, tookMs }
}

/** Looks at both sides, without a touch. */
export async function look(): Promise<State> {
  const [session, sent] = await Promise.all([
    exchange({ method: 'GET', path: '/session?touch=false' }),
    exchange({ method: 'GET', path: '/cookies?raw=true' }),
  ])
  const readable = parseCookies(document.cookie)
  // What the server was sent, and no script may read.
  const hidden = namesIn(sent.answer?.body).filter((name) => !readable.has(name))
  return {
    session:
      session.answer === undefined
        ? { kind: 'unreachable' }
        : readSession(session.answer, session.answer.headers.get('etag')),
    aheadMs: clockAhead(session),
    hasTicket: session.answer !== undefined && bringsTicket(session.answer),
    cookies: [
      ...[...readable].map(([name, value]) => ({ name, value })),
      ...hidden.map((name) => ({ name, value: undefined })),
    ].toSorted(ownLast),
  }
}

function ownLast(a: Cookie, b: Cookie): number {
  return Number(a.name === LANGUAGE_COOKIE) - Number(b.name === LANGUAGE_COOKIE)
}

function namesIn(body: string | undefined): string[] {
  try {
    const cookies: unknown = JSON.parse(body ?? '{}')
    return typeof cookies === 'object' && cookies !== null ? Object.keys(cookies) : []
  } catch {
    return []
  }
}

/**
 * How far the server's clock is ahead of the browser's, in milliseconds; 0 where the difference is
 * less than its header can tell.
 */
function clockAhead({ answer }: Exchange): number {
  const told = Date.parse(answer?.headers.get('date') ?? '')
  const ahead = told - readTime()
  return Math.abs(ahead) > 2_000 ? ahead : 0
}
