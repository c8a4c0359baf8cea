/** Asks through a proxy from another address than its own, with a Host of the test's, over TLS or not. */
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'

export type Asked = {
  readonly port: number
  readonly isTls?: boolean
  readonly host: string
  readonly headers?: Readonly<Record<string, string | string[]>>
  readonly body?: string
}

export type ProxyAnswer = {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
  /** The `Set-Cookie` of the session; empty where there is none. */
  readonly setCookie: string
}

/** A client of the loopback that no test trusts as a proxy, so that it is told apart. */
export const CLIENT_ADDRESS = '127.0.0.2'

export function askProxy(line: string, asked: Asked): Promise<ProxyAnswer> {
  const { port, isTls = false, host, headers = {}, body = '' } = asked
  const [method = '', path = ''] = line.split(' ')
  return new Promise((resolve, reject) => {
    const options = {
      ...{ host: '127.0.0.1', port, localAddress: CLIENT_ADDRESS, agent: false, method, path },
      ...{ servername: host.split(':', 1)[0], rejectUnauthorized: false },
      headers: { host, 'content-length': Buffer.byteLength(body), ...headers },
    }
    const sending = isTls ? requestHttps(options) : requestHttp(options)
    sending.on('error', reject)
    sending.on('response', (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      response.on('error', reject)
      response.on('end', () => {
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: text,
          setCookie: response.headers['set-cookie']?.[0] ?? '',
        })
      })
    })
    sending.end(body)
  })
}
