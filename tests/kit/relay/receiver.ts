import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { createServer as createSocketServer, type AddressInfo, type Socket } from 'node:net'

export type Received = {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly path: string
  /** Of the connection that it came on, from 1. */
  readonly connection: number
}

export type Receiver = {
  readonly url: string
  readonly received: readonly Received[]
  close(): void
}

/** A receiver of webhooks that keeps what it gets, and then answers as it is told. */
export async function startReceiver(answer: RequestListener, port = 0): Promise<Receiver> {
  const received: Received[] = []
  const connections: Socket[] = []
  const server = createServer(async (request, response) => {
    const body = await bodyOf(request)
    received.push({
      headers: Object.fromEntries(Object.entries(request.headersDistinct).map(joined)),
      body,
      path: request.url ?? '',
      connection: connections.indexOf(request.socket) + 1,
    })
    answer(request, response)
  })
  server.on('connection', (socket) => connections.push(socket))
  await listening(server, port)
  return {
    url: urlOf(server),
    received,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** A receiver that says these bytes to whatever it gets, and closes the connection if it is to. */
export async function startRawReceiver(bytes: string, closes = true): Promise<Receiver> {
  const sockets: Socket[] = []
  const server = createSocketServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.once('data', () => {
      socket.write(bytes)
      if (closes) socket.end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received: [],
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

export async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = ''
  request.setEncoding('utf8')
  for await (const piece of request) body += String(piece)
  return body
}

function joined([name, values]: [string, readonly string[] | undefined]): [string, string] {
  return [name, values?.join(', ') ?? '']
}

async function listening(server: Server, port: number): Promise<void> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
}

function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
