/** One HTTP request as data: the load generators send it many times, the checks once. */
import { Agent, type AgentOptions, request as startRequest } from 'node:http'

export type HttpRequest = {
  readonly method: 'GET' | 'PUT' | 'PATCH'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export type HttpAnswer = {
  readonly status: number
  /** Names as they came, values beside them. */
  readonly headers: readonly (readonly [string, string])[]
  readonly body: string
}

const TIME_LIMIT_MS = 10_000

export function get(path: string, headers: HttpRequest['headers'] = {}): HttpRequest {
  return { method: 'GET', path, headers, body: '' }
}

/** With a body of JSON text. */
export function send(
  method: 'PUT' | 'PATCH',
  path: string,
  body: string,
  headers: HttpRequest['headers'] = {},
): HttpRequest {
  return { method, path, headers: { 'Content-Type': 'application/json', ...headers }, body }
}

/** The bytes that go over the wire. */
export function renderRequest({ method, path, headers, body }: HttpRequest): string {
  const length = body === '' ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }
  const lines = Object.entries({ Host: '127.0.0.1', ...headers, ...length }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`
}

/** Sends them over the connections of such an agent; the answers come in the order of the requests. */
export async function ask(
  port: number,
  requests: readonly HttpRequest[],
  agentOptions: AgentOptions,
): Promise<HttpAnswer[]> {
  const agent = new Agent(agentOptions)
  try {
    return await Promise.all(requests.map((request) => askOnce(port, request, agent)))
  } finally {
    // A connection that stays open would keep its server from ending.
    agent.destroy()
  }
}

/** The value of the first header of this name. */
export function findHeader({ headers }: HttpAnswer, wanted: string): string | undefined {
  return headers.find(([name]) => name.toLowerCase() === wanted)?.[1]
}

export function isSuccess({ status }: HttpAnswer): boolean {
  return status >= 200 && status <= 299
}

function askOnce(port: number, asked: HttpRequest, agent: Agent): Promise<HttpAnswer> {
  const { method, path, headers, body } = asked
  const length = body === '' ? {} : { 'Content-Length': Buffer.byteLength(body) }
  return new Promise((resolve, reject) => {
    const request = startRequest(
      { host: '127.0.0.1', port, method, path, headers: { ...headers, ...length }, agent },
      (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => (text += chunk))
        response.on('error', reject)
        response.on('end', () => {
          const status = response.statusCode ?? 0
          resolve({ status, headers: pairsOf(response.rawHeaders), body: text })
        })
      },
    )
    // From when a connection is free for it: before that the other requests take the time.
    request.on('socket', () => {
      request.setTimeout(TIME_LIMIT_MS, () => {
        request.destroy(new Error(`No answer to ${method} ${path} in ${TIME_LIMIT_MS / 1000} s`))
      })
    })
    request.on('error', reject)
    request.end(body === '' ? undefined : body)
  })
}

function pairsOf(rawHeaders: readonly string[]): [string, string][] {
  return rawHeaders.flatMap((name, at) =>
    at % 2 === 0 ? [[name, rawHeaders[at + 1] ?? ''] satisfies [string, string]] : [],
  )
}
