/**
 * What stands on the raw request in front of the framework: requests that two programs could read
 * in two ways are refused here, with an answer of our own and a closed connection.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { HttpError, type Refusal, renderProblem } from '../answer/problem.ts'
import { isVerify } from '../routes/verify-route.ts'

/** Headers of which a second one could be the one that another program believes. */
const SINGLE_HEADERS = ['host', 'content-type', 'content-length', 'authorization']
const SINGLE_BITS = SINGLE_HEADERS.reduce((bits, name) => bits | bitOf(name), 0)
const HOST = /^(?:\[[\da-f:.]+\]|[\w.~!$&'()*+,;=%-]+)(?::\d{0,5})?$/i
const ABSOLUTE_TARGET = /^https?:\/\/([^/?#@\\]+)(?=[/?]|$)/i
/** A backslash before the query is a slash to some, and a character to others. */
const TARGET = /^\/[\x21\x22\x24-\x3e\x40-\x5b\x5d-\x7e]*(?:\?[\x21\x22\x24-\x7e]*)?$/

/** Node's code for a request that did not come in time. */
export const TIMED_OUT = 'ERR_HTTP_REQUEST_TIMEOUT'

/** Closed at once, with bytes still on their way, a connection may lose the answer that was sent. */
const LINGER_MS = 1_000

/** Why a request cannot be taken; undefined where it can. Absolute targets become origin form. */
export function refuseRequest(request: IncomingMessage): HttpError | undefined {
  if (request.httpVersionMajor !== 1) return badRequest('its version must be HTTP/1.1 or HTTP/1.0')
  const repeated = findRepeatedHeader(request.rawHeaders)
  if (repeated !== undefined) return badRequest(`it must have one ${repeated} header, it has more`)
  const coding = request.headers['transfer-encoding']
  if (coding !== undefined && !isUnderstood(coding, request)) {
    return badRequest('its Transfer-Encoding must be chunked and nothing else, in HTTP/1.1')
  }

  if (request.url?.startsWith('/') !== true) takeOtherTarget(request)
  if (!TARGET.test(request.url ?? '') && !passOverPage(request)) {
    return badRequest(
      'its target must be a path in printable ASCII, without a fragment; ' +
        'a backslash in a key is written %5C',
    )
  }
  if (!takeHost(request)) {
    return badRequest(
      'it must have a Host, in HTTP/1.1, that is a name or an address, with or without a port',
    )
  }
  return undefined
}

/** The last one that was right: nearly every request has the same. */
let knownHost = 'localhost'

/**
 * RFC 9112 section 3.2: a request of HTTP/1.1 has a Host, which is empty where its target has no
 * authority; one of HTTP/1.0 may have none.
 */
function takeHost(request: IncomingMessage): boolean {
  const { host } = request.headers
  if (host === undefined) return request.httpVersionMinor === 0
  if (host === knownHost || host === '') return true
  return takeOtherHost(request, host)
}

/**
 * Its name must be written as the URL standard writes it: others would be taken for another host
 * further on, or for none. An IPv6 address has one meaning in all its spellings, and gets the shortest.
 */
function takeOtherHost(request: IncomingMessage, host: string): boolean {
  const name = HOST.test(host) ? URL.parse(`http://${host}`)?.hostname : undefined
  if (name === undefined) return false
  const port = /:\d+$/.exec(host)?.[0] ?? ''
  const given = host.slice(0, host.length - port.length)
  if (given.startsWith('[')) request.headers.host = `${name}${port}`
  else if (name !== given.toLowerCase()) return false
  knownHost = request.headers.host ?? host
  return true
}

/**
 * Node undoes `chunked` alone, and leaves the rest of a list in the body; and RFC 9112 section 6.1
 * calls the framing faulty where a message of HTTP/1.0 has any coding.
 */
function isUnderstood(coding: string, { httpVersionMinor }: IncomingMessage): boolean {
  return httpVersionMinor !== 0 && coding.toLowerCase() === 'chunked'
}

/**
 * RFC 9112 section 3.2.2: the authority of an absolute target stands for the Host header. Section
 * 3.2.4: a star asks about the server as a whole, as the root of all paths does here.
 */
function takeOtherTarget(request: IncomingMessage): void {
  if (request.url === '*' && request.method === 'OPTIONS') request.url = '/'
  const [start = '', authority] = ABSOLUTE_TARGET.exec(request.url ?? '') ?? []
  if (authority === undefined) return
  request.headers.host = authority
  const target = (request.url ?? '').slice(start.length)
  request.url = target.startsWith('/') ? target : `/${target}`
}

/** The path of a page that stands behind `/verify` is the application's, whatever is in it. */
function passOverPage(request: IncomingMessage): boolean {
  if (request.url?.startsWith('/') !== true || !isVerify(request.url)) return false
  request.url = '/verify'
  return true
}

/** Answers a refusal and closes the connection: what follows on it cannot be trusted. */
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
 * Answers on a socket whose bytes are no request: malformed, too large or too slow. The client has
 * a moment to read that and to close; one that does not is cut off.
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
    // Of equal names the second always comes here, of others hardly one that browsers send.
    if ((seen & bit & SINGLE_BITS) !== 0) return findRepeatedName(rawHeaders)
    seen |= bit
  }
  return undefined
}

/** One of 32 bits, by the length and the first letter of the name, small or capital. */
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
