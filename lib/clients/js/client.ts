/**
 * The client of a Coatcheck server for back ends. `createClient` once for a program, `client.visit(request)`
 * for each request of a browser.
 */
import { type Ask, keepAsk, parseRead } from './ask.ts'
import { errorOf, invalidArgument } from './errors.ts'
import { createRequestText } from './request-text.ts'
import { createSessions, type SessionData, type Sessions, type UntypedData } from './sessions.ts'
import { parseEndpoint, type TlsOptions } from './transport/endpoint.ts'
import { createTransport } from './transport/transport.ts'
import { createVisit, type Visit } from './visits/visit.ts'
import type { IncomingRequest, VisitOptions } from './visits/incoming.ts'

export { CoatcheckError } from './errors.ts'
export type { IncomingRequest, VisitOptions } from './visits/incoming.ts'
export type { NewSession, Session, SessionData, Sessions, SessionPatch } from './sessions.ts'
export type { Login, Visit } from './visits/visit.ts'

export type ClientOptions = {
  /** `http://127.0.0.1:7377`, `https://...` or `unix:/run/coatcheck.sock`. */
  readonly url: string | URL
  /** `ck_...`, of the scope `all`. */
  readonly apiKey: string
  /** Milliseconds from a call to its answer; 5,000 unless given. */
  readonly timeout?: number
  /** Milliseconds that a call waits for a server that cannot be reached, as while it restarts; 2,000. */
  readonly connectTimeout?: number
  /**
   * Connections for what cannot share one; 32. Behind a proxy each write has one to itself, without one
   * all writes share one, as all reads do.
   */
  readonly maxConnections?: number
  /** Calls that are under way or wait, beyond which one fails with `too_many_calls`; 10,000. */
  readonly maxCalls?: number
  /** For `https:`: an authority of your own, a certificate of the client's. */
  readonly tls?: TlsOptions
}

export type Client<Data extends SessionData = UntypedData> = {
  /** The session of the visitor who sent a request, as Node, Express, Hono and others have it. */
  visit(request: IncomingRequest, options?: VisitOptions): Visit<Data>
  /** Sessions by their ids. */
  readonly sessions: Sessions<Data>
  /**
   * Ends all sessions of a user, but for the one of the id `except`; resolves with how many.
   */
  logoutEverywhere(sub: string, options?: { readonly except?: string }): Promise<number>
  /** Whether the server does its work: its answer to `/healthz`. */
  health(): Promise<{ readonly status: string }>
  /** Closes all connections at once. A client that is idle keeps no process alive. */
  close(): void
}

/** Throws `invalid_argument` for options that cannot work. */
export function createClient<Data extends SessionData = UntypedData>(
  options: ClientOptions,
): Client<Data> {
  const given: unknown = options
  if (typeof given !== 'object' || given === null) {
    throw invalidArgument(
      "Cannot make a client: expected options, as in createClient({ url: 'http://127.0.0.1:7377', apiKey })",
    )
  }
  const endpoint = parseEndpoint(options.url, options.tls)
  const requestText = createRequestText(endpoint, options.apiKey)
  const transport = createTransport({
    endpoint,
    timeoutMs: positive(options, 'timeout', 5_000),
    connectTimeoutMs: positive(options, 'connectTimeout', 2_000),
    maxConnections: positive(options, 'maxConnections', 32),
    maxCalls: positive(options, 'maxCalls', 10_000),
  })
  const ask: Ask = (kind, method, path, fields, body) =>
    transport.ask(
      requestText(method, path, fields, body),
      kind,
      kind === 'slow read' || kind === 'slow write' ? SLOW_MS : undefined,
    )
  const sessions = createSessions<Data>(ask)

  const client: Client<Data> = {
    visit: (request, visitOptions) => createVisit<Data>({ ask, sessions }, request, visitOptions),
    sessions,
    logoutEverywhere: (sub, { except } = {}) => sessions.endAll({ sub, except }),
    async health() {
      const answer = await ask('read', 'GET', '/healthz', '')
      // A server that cannot write any more says so with 503.
      if (answer.status >= 400 && answer.status !== 503) throw errorOf(answer)
      return parseRead(answer)
    },
    close: () => transport.close(),
  }
  keepAsk(client, ask)
  return client
}

/** For what goes over all sessions: a million take about a second to count. */
const SLOW_MS = 60_000

function positive<Name extends 'timeout' | 'connectTimeout' | 'maxConnections' | 'maxCalls'>(
  options: ClientOptions,
  name: Name,
  fallback: number,
): number {
  const value = options[name] ?? fallback
  if (Number.isSafeInteger(value) && value >= 1 && value <= 2 ** 31) return value
  throw invalidArgument(`Cannot use ${name}: it must be a whole number of at least 1`)
}
