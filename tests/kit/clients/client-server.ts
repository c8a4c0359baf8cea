/** The JavaScript client against the app behind real sockets, in memory, with a clock that stands still. */
import { type Client, type ClientOptions, createClient } from '../../../lib/clients/js/client.ts'
import { askOf, keepAsk } from '../../../lib/clients/js/ask.ts'
import { API_KEY, type ServerOptions } from '../process/open-server.ts'
import { listenRaw } from './raw-http.ts'

type Data = Record<string, unknown>

/** `url` and `apiKey` are what a client of its own needs. */
export async function openClientServer(
  serverOptions: ServerOptions = {},
  clientOptions: Partial<ClientOptions> = {},
) {
  const server = await listenRaw(serverOptions)
  const options = { url: server.url, apiKey: API_KEY, ...clientOptions }
  const client: Client<Data> = createClient<Data>(options)
  return {
    ...server,
    options,
    client,
    /** A request of a browser that has these cookies. */
    visit: (cookie = '') => client.visit(browserRequest(cookie)),
    async close() {
      client.close()
      await server.stop(0)
    },
  }
}

export function browserRequest(cookie = '') {
  return {
    headers: { 'user-agent': 'Tests/1', ...(cookie === '' ? {} : { cookie }) },
    socket: { remoteAddress: '192.0.2.7' },
  }
}

/** `name=value` of the one cookie that a browser would keep of these headers. */
export function cookieFrom(setCookies: readonly string[]): string {
  const [header = '', ...others] = setCookies
  if (others.length > 0) throw new Error(`Expected one Set-Cookie, got ${setCookies.length}`)
  return header.split(';', 1)[0] ?? ''
}

/** What the adapters made of this client from now on ask: method, path and body. */
export function recordAsks(client: object): string[] {
  const asked: string[] = []
  const ask = askOf(client)
  keepAsk(client, (kind, method, path, fields, body) => {
    asked.push(`${method} ${path} ${body ?? ''}`)
    return ask(kind, method, path, fields, body)
  })
  return asked
}
