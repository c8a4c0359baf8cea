import { Agent, request } from 'node:http'

export type Answer = {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
  /** `name=value` of the session cookie that it sets; empty where it sets none. */
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

/** A client of a running server, over sockets that stay open until `close`. */
export function openClient(url: string): { readonly ask: AskServer; close(): void } {
  const agent = new Agent({ keepAlive: true })

  function ask(line: string, sent: Sent = {}): Promise<Answer> {
    const { body = '', cookie, key, headers = {}, signal } = sent
    const [method = '', path = ''] = line.split(' ')
    return new Promise((resolve, reject) => {
      const sending = request(`${url}${path}`, {
        agent,
        method,
        ...(signal && { signal }),
        headers: {
          'content-length': Buffer.byteLength(body),
          ...(cookie === undefined ? {} : { cookie }),
          ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
          ...headers,
        },
      })
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
            cookie: response.headers['set-cookie']?.[0]?.split(';', 1)[0] ?? '',
          })
        })
      })
      sending.end(body)
    })
  }

  return { ask, close: () => agent.destroy() }
}
