/**
 * Checks raw requests before the framework sees them: one that two programs could read in two ways
 * is refused, with a problem and a closed connection.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { HttpError, type ProblemCode, type Refusal, renderProblem } from '../answer/problem.ts'

/** Headers of which another program could believe the second one. */
const SINGLE_HEADERS = [
  ...['host', 'content-type', 'content-length'],
  ...['authorization', 'session-token'],
]
const SINGLE_BITS = SINGLE_HEADERS.reduce((bits, name) => bits | bitOf(name), 0)
const HOST = /^(?:\[[\da-f:.]+\]|[\w.~!$&'()*+,;=%-]+)(?::\d{0,5})?$/i
const ABSOLUTE_TARGET = /^https?:\/\/([^/?#@\\]+)(?=[/?]|$)/i
/** No backslash before the query: some programs take it for a slash. */
const TARGET = /^\/[\x21\x22\x24-\x3e\x40-\x5b\x5d-\x7e]*(?:\?[\x21\x22\x24-\x7e]*)?$/

/** Node's code for a request that did not come in time. */
export const TIMED_OUT = 'ERR_HTTP_REQUEST_TIMEOUT'

/** Closing at once, with bytes still on their way, could lose the response. */
const LINGER_MS = 1_000

/**
 * A route whose requests come from proxies, with targets of theirs, and which has one refusal only.
 */
export type ForwardAuth = {
  readonly path: string
  isTarget(target: string | undefined): boolean
  refuse(why: ProblemCode): HttpError
}

export type Guard = {
  /** Why a request is refused; undefined where it is not. Absolute targets become origin form. */
  refuseRequest(request: IncomingMessage): HttpError | undefined
}

export function createGuard(forwardAuth: ForwardAuth | undefined): Guard {
  /** The last valid one: nearly every request has the same. */
  let knownHost = 'localhost'

  /**
   * RFC 9112 section 3.2: a request of HTTP/1.1 has a Host, which is empty where its target has no
   * authority; one of HTTP/1.0 may have none.
   */
  function takeHost(request: IncomingMessage): boolean {
    const { host } = request.headers
    if (host === undefined) return request.httpVersionMinor === 0
    if (host === knownHost || host === '') return true
    if (!takeOtherHost(request, host)) return false
    knownHost = request.headers.host ?? host
    return true
  }

  /** The path of a page behind that of the route is the application's, whatever is in it. */
  function passOverPage(request: IncomingMessage): boolean {
    if (forwardAuth === undefined || request.url?.startsWith('/') !== true) return false
    if (!forwardAuth.isTarget(request.url)) return false
    request.url = forwardAuth.path
    return true
  }

  return {
    refuseRequest(request) {
      if (request.httpVersionMajor !== 1) {
        return badRequest('its version must be HTTP/1.1 or HTTP/1.0')
      }
      const repeated = findRepeatedHeader(request.rawHeaders)
      if (repeated !== undefined) {
        return badRequest(`it must have one ${repeated} header, it has more`)
      }
      const coding = request.headers['transfer-encoding']
      // control: transfer-encoding
      if (coding !== undefined && !isUnderstood(coding, request)) {
        return badRequest('its Transfer-Encoding must be chunked and nothing else, in HTTP/1.1')
      }

      if (request.url?.startsWith('/') !== true) takeOtherTarget(request)
      // control: target-is-path
      if (!TARGET.test(request.url ?? '') && !passOverPage(request)) {
        return badRequest(
          'its target must be a path in printable ASCII, without a fragment; ' +
            'a backslash in a key is written %5C',
        )
      }
      // control: host-is-valid
      if (!takeHost(request)) {
        return badRequest(
          'it must have a Host, in HTTP/1.1, that is a name or an address, with or without a port',
        )
      }
      return undefined
    },
  }
}

/**
 * A name must be in the URL standard's spelling: another one could be taken for another host
 * further on. An IPv6 address has one meaning in all its spellings, and is rewritten to the
 * shortest.
 */
function takeOtherHost(request: IncomingMessage, host: string): boolean {
  const name = HOST.test(host) ? URL.parse(`http://${host}`)?.hostname : undefined
  if (name === undefined) return false
  const port = /:\d+$/.exec(host)?.[0] ?? ''
  const given = host.slice(0, host.length - port.length)
  if (given.startsWith('[')) request.headers.host = `${name}${port}`
  else if (name !== given.toLowerCase()) return false
  return true
}

/**
 * Node decodes `chunked` only, and leaves other codings in the body. RFC 9112 section 6.1: a
 * message of HTTP/1.0 with any coding has faulty framing.
 */
function isUnderstood(coding: string, { httpVersionMinor }: IncomingMessage): boolean {
  return httpVersionMinor !== 0 && coding.toLowerCase() === 'chunked'
}

/**
 * RFC 9112 section 3.2.2: the authority of an absolute target replaces the Host header. Section
 * 3.2.4: `*` means the server as a whole, as the root path does here.
 */
function takeOtherTarget(request: IncomingMessage): void {
  if (request.url === '*' && request.method === 'OPTIONS') request.url = '/'
  const [start = '', authority] = ABSOLUTE_TARGET.exec(request.url ?? '') ?? []
  if (authority === undefined) return
  // control: absolute-target-host
  request.headers.host = authority
  const target = (request.url ?? '').slice(start.length)
  request.url = target.startsWith('/') ? target : `/${target}`
}

/** Sends a refusal and closes the connection: what follows on it cannot be trusted. */
export function answerRefusal(response: ServerResponse, refusal: Refusal): void {
  const { status, headers, body } = renderProblem(refusal)
  response.writeHead(status, {
    ...headers,
    Connection: 'close',
    'Content-Length': Buffer.byteLength(body),
  })
  response.end(body)
}

/**
 * Sends a refusal on a socket whose bytes are no request: malformed, too large or too slow. The
 * client has a moment to read it and close; then the connection is cut.
 */
export function answerSocket(socket: Socket, refusal: Refusal): void {
  const timer = setTimeout(() => socket.destroy(), LINGER_MS)
  socket.once('close', () => clearTimeout(timer))
  const { status, headers, body } = renderProblem(refusal)
  const lines = Object.entries({ ...headers, Connection: 'close' }).map((pair) => pair.join(': '))
  socket.end(
    [
      `HTTP/1.1 ${status} ${JSON.parse(body).title}`,
      ...lines,
      `Content-Length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n'),
  )
}

/** The refusal behind an error of Node's HTTP parser or of its time limits. */
export function refusalForParser(code: string | undefined): HttpError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new HttpError(
        'header_too_large',
        'Cannot read the request: its headers are larger than the limit (--header-limit)',
      )
    case TIMED_OUT:
      return new HttpError(
        'request_timeout',
        'Cannot wait longer for the request (--header-timeout, --request-timeout)',
      )
    case 'HPE_INVALID_METHOD':
      return badRequest(
        'it is not HTTP/1.1 as RFC 9112 has it: its method is unknown; methods are written in ' +
          'capitals, as in GET',
      )
    default:
      return badRequest('it is not HTTP/1.1 as RFC 9112 has it')
  }
}

function findRepeatedHeader(rawHeaders: readonly string[]): string | undefined {
  let seen = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const bit = bitOf(rawHeaders[index] ?? '')
    // Reached by the second of two equal names, and by hardly any other header that browsers send.
    // control: single-headers
    if ((seen & bit & SINGLE_BITS) !== 0) return findRepeatedName(rawHeaders)
    seen |= bit
  }
  return undefined
}

/** One of 32 bits, from the length and the first letter of the name, in either case. */
function bitOf(name: string): number {
  return 1 << (name.length + (name.charCodeAt(0) | 0x20))
}

function findRepeatedName(rawHeaders: readonly string[]): string | undefined {
  const names = rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase())
  return SINGLE_HEADERS.find((name) => names.indexOf(name) !== names.lastIndexOf(name))
}

function badRequest(reason: string): HttpError {
  return new HttpError('bad_request', `Cannot read the request: ${reason}`)
}
