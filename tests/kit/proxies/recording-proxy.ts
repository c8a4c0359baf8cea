/** A proxy in front of the server, as in real life: it serves the site's pages, and keeps a record. */
import { Agent, createServer, type IncomingHttpHeaders, request } from 'node:http'
import { once } from 'node:events'

export type Recorded = {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly status: number
}

export type RecordingProxy = {
  readonly port: number
  /** What has been answered, in the order of the answers. */
  readonly recorded: readonly Recorded[]
  close(): Promise<void>
}

export type ProxyOptions = {
  /** Header lines that it adds, as `{ 'x-forwarded-proto': 'https' }`. */
  readonly adds?: Readonly<Record<string, string>>
}

/** Answers `/page` with an empty page itself, and passes all else on to `target` as it came. */
export async function openRecordingProxy(
  target: string,
  { adds = {} }: ProxyOptions = {},
): Promise<RecordingProxy> {
  const recorded: Recorded[] = []
  const agent = new Agent({ keepAlive: true })
  const server = createServer((incoming, outgoing) => {
    const { method = '', url = '', headers } = incoming
    if (url === '/page' || url === '/favicon.ico') {
      outgoing.writeHead(200, { 'Content-Type': 'text/html' }).end('<!doctype html><body>')
      return
    }
    const { hostname, port } = new URL(target)
    const sending = request(
      { agent, hostname, port, method, path: url, headers: { ...headers, ...adds } },
      (answer) => {
        const { statusCode: status = 0 } = answer
        outgoing.writeHead(status, answer.rawHeaders)
        answer.pipe(outgoing)
        answer.on('end', () => recorded.push({ method, url, headers, status }))
      },
    )
    sending.on('error', () => outgoing.destroy())
    incoming.pipe(sending)
  })
  const port = await listen(server)
  return {
    port,
    recorded,
    async close() {
      server.close()
      server.closeAllConnections()
      agent.destroy()
      await once(server, 'close')
    },
  }
}

/** Listens on a free port of 127.0.0.1, whose number it answers. */
export async function listen(server: ReturnType<typeof createServer>): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}
