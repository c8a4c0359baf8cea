/** A load generator: so many connections, each with one request at a time, over raw sockets. */
import { connect } from 'node:net'

export type Load = {
  readonly port: number
  readonly connections: number
  /** One whole request, with its headers and body; connection by connection. */
  readonly requestFor: (connection: number) => string
}

/** Sends `count` requests and resolves when all are answered; rejects at a status that is no 2xx. */
export function sendLoad({ port, connections, requestFor }: Load, count: number): Promise<void> {
  let sent = 0
  let answered = 0
  return new Promise((resolve, reject) => {
    for (let connection = 0; connection < connections; connection++) {
      const request = Buffer.from(requestFor(connection))
      const socket = connect({ port, host: '127.0.0.1', noDelay: true })
      let rest = ''
      const next = () => {
        if (sent++ < count) socket.write(request)
        else socket.end()
      }
      socket.setEncoding('latin1')
      socket.on('connect', next)
      socket.on('error', reject)
      socket.on('data', (text: string) => {
        rest += text
        const head = rest.indexOf('\r\n\r\n')
        if (head === -1) return
        const length = /\r\ncontent-length: (\d+)/i.exec(rest)?.[1] ?? '0'
        if (rest.length < head + 4 + Number(length)) return
        if (!rest.startsWith('HTTP/1.1 2')) return reject(new Error(rest))
        rest = ''
        if (++answered === count) resolve()
        next()
      })
    }
  })
}
