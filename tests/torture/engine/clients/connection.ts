/** A client's one connection to a running server: one request at a time, answers as bytes. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Sent } from '../../../kit/clients/http-client.ts'
import { parseAnswer, type RawAnswer } from '../../../kit/clients/raw-http.ts'

export type Connection = {
  /**
   * Sends a request, on a new socket where none is open; resolves with its whole answer, or with
   * undefined where the connection could not be made or ended before the answer was whole.
   */
  ask(line: string, sent?: Sent): Promise<RawAnswer | undefined>
  /** The client's end of the socket that was used last: it tells its answers in a trace. */
  port(): number
  /** The kernel has taken all of a request, and its answer is not here yet. */
  isWaiting(): boolean
  close(): void
}

export function openConnection(url: string): Connection {
  const { hostname: host, port } = new URL(url)
  let socket: Socket | undefined
  let localPort = 0
  let waiting = false

  async function open(): Promise<Socket> {
    const opened = connect({ host, port: Number(port), noDelay: true })
    await once(opened, 'connect')
    localPort = opened.localPort ?? 0
    const forget = () => {
      if (socket === opened) socket = undefined
    }
    // A socket that fails is closed by itself; whoever waits on it hears of that.
    opened.on('error', () => {}).once('end', forget)
    opened.once('close', forget)
    return opened
  }

  return {
    async ask(line, sent = {}) {
      try {
        socket ??= await open()
      } catch {
        return undefined
      }
      const used = socket
      const answered = readAnswer(used)
      used.write(render(line, sent))
      waiting = used.writableLength === 0
      const answer = await answered
      waiting = false
      if (answer?.headers.get('connection') === 'close' && socket === used) {
        socket = undefined
        used.destroy()
      }
      return answer
    },
    port: () => localPort,
    isWaiting: () => waiting,
    close: () => socket?.destroy(),
  }
}

function readAnswer(socket: Socket): Promise<RawAnswer | undefined> {
  return new Promise((resolve) => {
    let bytes = ''
    const read = (chunk: Buffer) => {
      bytes += chunk.toString('latin1')
      const answer = wholeAnswer(bytes)
      if (answer !== undefined) finish(answer)
    }
    const give = () => finish(undefined)
    const finish = (answer: RawAnswer | undefined) => {
      socket.off('data', read).off('close', give)
      resolve(answer)
    }
    socket.on('data', read).once('close', give)
  })
}

/** Undefined until the bytes hold all of it. */
function wholeAnswer(bytes: string): RawAnswer | undefined {
  if (!bytes.includes('\r\n\r\n')) return undefined
  const answer = parseAnswer(bytes)
  const length = Number(answer.headers.get('content-length') ?? 0)
  if (answer.status !== 204 && !answer.headers.has('content-length')) {
    throw new Error(`Cannot read the answer: ${answer.status} has no Content-Length`)
  }
  return answer.body.length < length ? undefined : answer
}

function render(line: string, { body = '', cookie, key, headers = {} }: Sent): string {
  const lines = [
    `${line} HTTP/1.1`,
    'Host: localhost',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...(cookie === undefined ? [] : [`Cookie: ${cookie}`]),
    ...(key === undefined ? [] : [`Authorization: Bearer ${key}`]),
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ]
  return `${lines.join('\r\n')}\r\n\r\n${body}`
}
