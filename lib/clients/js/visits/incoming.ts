/** What a request of a browser tells, in the forms that Node, Express, Fastify, Hono and `fetch` have. */
import { isIP } from 'node:net'
import { invalidArgument } from '../errors.ts'

type HeaderBag =
  | { get(name: string): string | null }
  | { readonly [name: string]: string | readonly string[] | undefined }

/** An `IncomingMessage`, or a `Request` of the web's. */
export type IncomingRequest = {
  readonly headers: HeaderBag | object
  readonly socket?: unknown
  readonly url?: string | undefined
  /** Express's, by "trust proxy". */
  readonly secure?: unknown
  readonly ip?: unknown
}

export type VisitOptions = {
  /**
   * Whether the browser speaks https; unless given, what Express's `secure`, the URL or the socket say.
   * It decides whether the cookie is `Secure`.
   */
  readonly secure?: boolean | undefined
  /** The browser's address, for the list of sessions; Express's `ip` or the socket's unless given. */
  readonly address?: string | undefined
}

export type Incoming = {
  /** The `Cookie` header as it came; undefined where there is none. */
  readonly cookie: string | undefined
  readonly isSecure: boolean
  readonly request: IncomingRequest
  readonly options: VisitOptions | undefined
}

/** Throws `invalid_argument` for what is no request. */
export function readIncoming(request: IncomingRequest, options?: VisitOptions): Incoming {
  if (!isObject(request) || !isObject(request.headers)) {
    throw invalidArgument(
      "Cannot begin a visit: expected the browser's request with its headers, as in visit(request)",
    )
  }
  return {
    // Raw: to parse and print it again could change which of two cookies counts.
    cookie: shortened(readHeader(request.headers, 'cookie')),
    isSecure: options?.secure ?? isSecure(request),
    request,
    options,
  }
}

/** What a new session keeps of the browser. */
export function deviceOf({ request, options }: Incoming) {
  const address = withoutPrefix(options?.address ?? addressOf(request))
  const userAgent = readHeader(request.headers, 'user-agent')
  return {
    ...(address !== undefined && isIP(address) !== 0 ? { address } : {}),
    ...(userAgent === undefined ? {} : { userAgent }),
  }
}

/**
 * Cookies of others may have more bytes than the server takes of all headers. A long one is no token, with its
 * end or without.
 */
function shortened(cookie: string | undefined): string | undefined {
  if (cookie === undefined || cookie.length <= MANY_BYTES) return cookie
  return cookie.replace(LONG_COOKIE, (pair) => pair.slice(0, LONG_BYTES))
}

const MANY_BYTES = 4_096
/** A token has at most 300 characters, its cookie's name some more. */
const LONG_BYTES = 600
const LONG_COOKIE = new RegExp(`[^;]{${LONG_BYTES},}`, 'g')

function readHeader(headers: object, name: string): string | undefined {
  const value: unknown =
    'get' in headers && typeof headers.get === 'function'
      ? (headers as Headers).get(name)
      : (headers as Readonly<Record<string, unknown>>)[name]
  if (typeof value === 'string') return value === '' ? undefined : value
  // Several `Cookie` headers are one list (RFC 9113 section 8.2.3).
  return Array.isArray(value) && value.length > 0 ? value.join('; ') : undefined
}

function isSecure(request: IncomingRequest): boolean {
  // Express knows by "trust proxy" whom to believe.
  if (typeof request.secure === 'boolean') return request.secure
  if (request.url?.startsWith('https:') === true) return true
  const { socket } = request
  return isObject(socket) && 'encrypted' in socket && socket.encrypted === true
}

function addressOf(request: IncomingRequest): string | undefined {
  if (typeof request.ip === 'string') return request.ip
  const { socket } = request
  if (!isObject(socket) || !('remoteAddress' in socket)) return undefined
  return typeof socket.remoteAddress === 'string' ? socket.remoteAddress : undefined
}

function withoutPrefix(address: string | undefined): string | undefined {
  return address?.replace(/^::ffff:(?=\d+\.)/i, '')
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
