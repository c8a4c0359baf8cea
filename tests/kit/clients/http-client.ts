/** The comfortable client: requests by their line, over sockets that stay open, with TLS or not. */
import { Agent, request as requestHttp, type RequestOptions } from 'node:http'
import { request as requestHttps } from 'node:https'

export type Answer = {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
  /** The `Set-Cookie` of the session; empty where there is none. */
  readonly setCookie: string
  /** `name=value` of it. */
  readonly cookie: string
}

export type Sent = {
  readonly body?: string
  readonly cookie?: string
  readonly key?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Cuts the connection; where that comes before the answer is there, the answer is an error. */
  readonly signal?: AbortSignal
}

/** `ask('PUT /session/user', { body: '"ada"' })`: each request that waits has a socket of its own. */
export type AskServer = (line: string, sent?: Sent) => Promise<Answer>

/** A client of a running server, by `http:` or `unix:`, over sockets that stay open until `close`. */
export function openClient(url: string): { readonly ask: AskServer; close(): void } {
  const agent = new Agent({ keepAlive: true })
  const { protocol, hostname, port, pathname } = new URL(url)
  const place = protocol === 'unix:' ? { socketPath: pathname } : { host: hostname, port }

  return {
    ask(line, { body = '', cookie, key, headers = {}, signal } = {}) {
      const options = {
        ...{ agent, ...place },
        ...(signal && { signal }),
        headers: {
          ...(cookie === undefined ? {} : { cookie }),
          ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
          ...headers,
        },
      }
      return exchange(line, options, body)
    },
    close: () => agent.destroy(),
  }
}

export type Asked = {
  readonly port: number
  readonly isTls?: boolean
  readonly host: string
  readonly headers?: Readonly<Record<string, string | string[]>>
  readonly body?: string
}

/** A client of the loopback that no test trusts as a proxy, so that it is told apart. */
export const CLIENT_ADDRESS = '127.0.0.2'

/** Asks a proxy from another address than its own, with a Host of the test's, over TLS or not. */
export function askProxy(line: string, asked: Asked): Promise<Answer> {
  const { port, isTls = false, host, headers = {}, body = '' } = asked
  const options = {
    ...{ host: '127.0.0.1', port, localAddress: CLIENT_ADDRESS, agent: false as const },
    ...{ servername: host.split(':', 1)[0], rejectUnauthorized: false },
    headers: { host, ...headers },
  }
  return exchange(line, options, body, isTls ? requestHttps : requestHttp)
}

type Options = RequestOptions & {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

function exchange(
  line: string,
  options: Options,
  body: string,
  request = requestHttp,
): Promise<Answer> {
  const [method = '', path = ''] = line.split(' ')
  const headers = { 'content-length': Buffer.byteLength(body), ...options.headers }
  return new Promise((resolve, reject) => {
    const sending = request({ ...options, method, path, headers })
    sending.on('error', reject)
    sending.on('response', (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      response.on('error', reject)
      response.on('end', () => {
        const setCookie = response.headers['set-cookie']?.[0] ?? ''
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: text,
          setCookie,
          cookie: setCookie.split(';', 1)[0] ?? '',
        })
      })
    })
    sending.end(body)
  })
}
