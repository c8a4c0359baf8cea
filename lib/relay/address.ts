/** Where a relay reads from and where it sends to. */
import { Agent as HttpAgent, request as requestHttp, type ClientRequest } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import type { OutgoingHttpHeaders } from 'node:http'
import { isLoopback } from '../base/loopback.ts'
import { quote } from '../base/quote.ts'
import { RelayError } from './relay-error.ts'

export type Address = {
  /**
   * What may be shown of it: `https://app.example` or `unix:/run/coatcheck.sock`. A path or a query
   * may hold a token of the receiver's.
   */
  readonly shown: string
  /** Whether others may listen on the way: plain http to another machine. */
  readonly isOpenToOthers: boolean
  readonly isHttps: boolean
  readonly options: {
    readonly host?: string
    readonly port?: number
    readonly socketPath?: string
    readonly path: string
  }
}

/** Throws a `RelayError` for what is no http or https URL; `name` is the flag that gave it. */
export function readAddress(text: string, name: string): Address {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isHttps = url?.protocol === 'https:'
  if (url === undefined || !(isHttps || url.protocol === 'http:')) {
    // It may be a URL with a slip in it, and hold a token.
    const scheme = url === undefined ? 'something else' : `one of ${quote(url.protocol)}`
    throw new RelayError(
      'usage',
      `${name} must be a URL such as https://app.example/hooks, got ${scheme}`,
    )
  }
  if (url.username !== '' || url.password !== '') {
    throw new RelayError(
      'usage',
      `${name} must be a URL without user and password: others on the machine can read a command line`,
    )
  }
  const { hostname, port, pathname, search, origin } = url
  return {
    shown: origin,
    isOpenToOthers: !isHttps && !isLoopback(hostname),
    isHttps,
    options: {
      host: hostname.replace(/^\[|\]$/g, ''),
      port: port === '' ? (isHttps ? 443 : 80) : Number(port),
      path: pathname + search,
    },
  }
}

/** The same, or `unix:PATH` for a socket. */
export function readAddressOrSocket(text: string, name: string): Address {
  const socketPath = text.startsWith('unix:') ? text.slice('unix:'.length) : ''
  if (socketPath === '') return readAddress(text, name)
  return {
    shown: text,
    isOpenToOthers: false,
    isHttps: false,
    options: { host: 'localhost', socketPath, path: '/' },
  }
}

/** The address of a path below this one. */
export function below(address: Address, path: string): Address {
  const folder = address.options.path.replace(/\?.*$/, '').replace(/\/$/, '')
  return { ...address, options: { ...address.options, path: folder + path } }
}

export type Agent = HttpAgent | HttpsAgent

/** Keeps one connection: whoever sends in order needs no other. */
export function createAgent({ isHttps }: Address): Agent {
  const options = { keepAlive: true, maxSockets: 1 }
  return isHttps ? new HttpsAgent(options) : new HttpAgent(options)
}

export function startRequest(
  { isHttps, options }: Address,
  agent: Agent | undefined,
  method: 'GET' | 'POST',
  headers: OutgoingHttpHeaders,
): ClientRequest {
  const all = { ...options, method, headers, agent: agent ?? false }
  // control: certificates-checked
  return isHttps ? requestHttps({ ...all, rejectUnauthorized: true }) : requestHttp(all)
}
