/** One connection to a server, one request at a time, over a raw socket: as cheap as it can be. */
import { once } from 'node:events'
import { connect } from 'node:net'

export type Connection = {
  /** Sends a whole request, of which the answer before must be there; resolves with the status. */
  ask(request: string): Promise<number>
  close(): void
}

export async function openConnection(port: number): Promise<Connection> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  let received = ''
  let waiting: PromiseWithResolvers<number> | undefined
  socket.setEncoding('latin1')
  socket.on('data', (text: string) => {
    received += text
    const head = received.indexOf('\r\n\r\n')
    if (head === -1) return
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(received)?.[1] ?? '0')
    if (received.length < head + 4 + length) return
    const status = Number(received.slice(9, 12))
    received = ''
    waiting?.resolve(status)
  })
  const lost = () => waiting?.reject(new Error('The server closed the connection'))
  socket.on('error', lost).on('close', lost)
  return {
    ask(request) {
      waiting = Promise.withResolvers()
      if (socket.destroyed) lost()
      else socket.write(request)
      return waiting.promise
    },
    close: () => socket.destroy(),
  }
}

/** The text of a request with a session's cookie. */
export function requestText(line: string, cookie: string, body = ''): string {
  const length = body === '' ? '' : `Content-Length: ${Buffer.byteLength(body)}\r\n`
  return `${line} HTTP/1.1\r\nHost: localhost\r\nCookie: ${cookie}\r\n${length}\r\n${body}`
}

export function getUser(cookie: string): string {
  return requestText('GET /session/user', cookie)
}

export function putUser(cookie: string): string {
  return requestText('PUT /session/user', cookie, '"ada"')
}

/** Over so many connections, until `next` has no more; throws for an answer that is no 2xx. */
export async function sendAll(
  port: number,
  connections: number,
  next: () => string | undefined,
): Promise<void> {
  const work = async () => {
    const connection = await openConnection(port)
    try {
      for (let request = next(); request !== undefined; request = next()) {
        const status = await connection.ask(request)
        if (status >= 300) throw new Error(`A request was answered with ${status}`)
      }
    } finally {
      connection.close()
    }
  }
  await Promise.all(Array.from({ length: connections }, work))
}
