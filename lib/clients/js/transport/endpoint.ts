/** Where the server is, and how a socket to it is opened. */
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import { invalidArgument } from '../errors.ts'

export type Endpoint = {
  /** For messages: without user information. */
  readonly name: string
  /** The value of `Host`. */
  readonly host: string
  /** What stands before every path; empty, or `/coatcheck` behind a proxy. */
  readonly basePath: string
  /** The event of the socket once bytes may be sent. */
  readonly readyEvent: 'connect' | 'secureConnect'
  /** `take` is handed each piece that arrives; it must copy what it keeps. */
  open(take: (piece: Uint8Array) => void): Socket
}

/** Options of TLS beside the certificate's check, which stays on. */
export type TlsOptions = Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'servername'>

const RECEIVED_BYTES = 65_536

/**
 * `http://HOST[:PORT][/BASE]`, `https://…` or `unix:/run/coatcheck.sock`. Throws `invalid_argument` for
 * anything else.
 */
export function parseEndpoint(url: string | URL, tls: TlsOptions = {}): Endpoint {
  const given: unknown = url
  if (given === undefined || given === null || given === '') {
    throw badUrl(given === '' ? 'it is empty' : 'it is missing')
  }
  const text = String(url)
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length).replace(/^\/\/(?=\/)/, '')
    if (path === '' || path.includes('\0')) throw badUrl('it names no socket')
    return { name: text, host: 'localhost', basePath: '', readyEvent: 'connect', open }
    function open(take: (piece: Uint8Array) => void): Socket {
      return connect({ path, onread: reader(take) })
    }
  }
  const parsed = parseUrl(text)
  const { protocol, hostname, port, pathname, host } = parsed
  if (parsed.username !== '' || parsed.password !== '') throw badUrl('it has a user or a password')
  if (parsed.search !== '' || parsed.hash !== '') throw badUrl('it has a query or a fragment')
  const basePath = pathname.replace(/\/+$/, '')
  const name = `${protocol}//${host}${basePath}`
  const address = hostname.replace(/^\[|\]$/g, '')
  if (protocol === 'http:') {
    const number = port === '' ? 80 : Number(port)
    return { name, host, basePath, readyEvent: 'connect', open: openPlain }
    function openPlain(take: (piece: Uint8Array) => void): Socket {
      return connect({ host: address, port: number, noDelay: true, onread: reader(take) })
    }
  }
  const number = port === '' ? 443 : Number(port)
  // A name alone: an address is no server name (RFC 6066 section 3).
  const servername = isIP(address) === 0 ? { servername: address } : {}
  return { name, host, basePath, readyEvent: 'secureConnect', open: openTls }
  function openTls(take: (piece: Uint8Array) => void): Socket {
    const socket = connectTls({
      ...servername,
      ...tls,
      host: address,
      port: number,
      ALPNProtocols: ['http/1.1'],
      // control: client-verifies-tls
      rejectUnauthorized: true,
    })
    socket.setNoDelay(true)
    return socket.on('data', take)
  }
}

/** One buffer for all that arrives: a stream would allocate one for each piece. */
function reader(take: (piece: Uint8Array) => void) {
  return {
    buffer: Buffer.allocUnsafe(RECEIVED_BYTES),
    callback(length: number, buffer: Uint8Array): boolean {
      take(buffer.subarray(0, length))
      return true
    },
  }
}

function parseUrl(text: string): URL {
  // `localhost:7377` has a scheme by the letter of the standard.
  if (!/^[a-z][a-z\d+.-]*:\/\//i.test(text))
    throw badUrl('it does not begin with http:// or https://')
  let parsed: URL
  try {
    parsed = new URL(text)
  } catch {
    throw badUrl('it is no URL')
  }
  if (parsed.protocol === 'http:' || parsed.protocol === 'https:') return parsed
  throw badUrl(`it has the scheme "${parsed.protocol.slice(0, 20)}"`)
}

/** Without the URL, which may have a password in it. */
function badUrl(reason: string): Error {
  return invalidArgument(
    'Cannot use the url: expected http://HOST:PORT, https://HOST or unix:/path/to/socket; ' +
      reason,
  )
}
