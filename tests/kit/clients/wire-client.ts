import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type StreamAnswer, takeAnswer } from './answer-stream.ts'

export type WireClient = {
  /** Sends these bytes, as no client library would, and resolves with the first answer to them. */
  ask(bytes: Buffer | string): Promise<StreamAnswer>
  close(): void
}

/** `name: value` lines, and a body whose length is told; a string is a byte a character. */
export type WireRequest = {
  readonly headers?: readonly (string | Buffer)[]
  readonly body?: string | Buffer
}

const ANSWER_LIMIT_MS = 20_000

/** A client of a running server; a connection is used again unless the server closes it. */
export function openWireClient(url: string): WireClient {
  const { hostname, port } = new URL(url)
  const idle: Socket[] = []
  const open = new Set<Socket>()

  async function openSocket(): Promise<Socket> {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true })
    open.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => open.delete(socket))
    await once(socket, 'connect')
    return socket
  }

  return {
    async ask(bytes) {
      let socket = idle.pop()
      while (socket?.destroyed === true || socket?.readable === false) socket = idle.pop()
      socket ??= await openSocket()
      const { answer, isClean } = await exchange(socket, bytes)
      if (isClean && answer.headers.get('connection') !== 'close') idle.push(socket)
      else socket.destroy()
      return answer
    },
    close() {
      for (const socket of open) socket.destroy()
    },
  }
}

/** `GET /session HTTP/1.1` and what belongs to it, in the bytes given. */
export function wireRequest(
  method: string,
  target: string | Buffer,
  { headers = [], body = '' }: WireRequest = {},
): Buffer {
  const bodyBytes = latin1(body)
  return Buffer.concat([
    latin1(`${method} `),
    latin1(target),
    latin1(` HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${bodyBytes.length}\r\n`),
    ...headers.flatMap((header) => [latin1(header), latin1('\r\n')]),
    latin1('\r\n'),
    bodyBytes,
  ])
}

/** `isClean`: nothing came after the answer, so that the connection can be used again. */
function exchange(
  socket: Socket,
  bytes: Buffer | string,
): Promise<{ readonly answer: StreamAnswer; readonly isClean: boolean }> {
  return new Promise((resolve, reject) => {
    let received: Buffer = Buffer.alloc(0)
    const fail = (reason: string) => {
      stop()
      socket.destroy()
      reject(new Error(`No answer: ${reason}`))
    }
    const onData = (chunk: Buffer): void => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
      try {
        const taken = takeAnswer(received)
        if (taken === undefined) return
        stop()
        resolve({ answer: taken.answer, isClean: taken.rest.length === 0 })
      } catch (error) {
        fail(String(error))
      }
    }
    const onClose = () => fail(`the connection was closed after ${received.length} bytes of one`)
    const timer = setTimeout(fail, ANSWER_LIMIT_MS, `none within ${ANSWER_LIMIT_MS} ms`)
    const stop = () => {
      clearTimeout(timer)
      socket.off('data', onData).off('close', onClose)
    }
    socket.on('data', onData).on('close', onClose)
    socket.write(typeof bytes === 'string' ? latin1(bytes) : bytes)
  })
}

function latin1(text: string | Buffer): Buffer {
  return typeof text === 'string' ? Buffer.from(text, 'latin1') : text
}
