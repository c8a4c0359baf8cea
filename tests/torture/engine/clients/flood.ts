/**
 * As many requests as the answers let through, over a given number of connections: whoever has its
 * answer asks again at once, whoever is closed comes back. In a thread of its own.
 */
import { connect } from 'node:net'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { percentile } from '../percentile.ts'

export type Flood = {
  readonly port: number
  readonly connections: number
  /** Each connection sends them in turn, over and over. */
  readonly requests: readonly string[]
}

export type Flooded = {
  readonly accepted: number
  /** Answers with 503, of which so many lack `Retry-After`. */
  readonly shed: number
  readonly shedWithoutRetry: number
  /** Of the connections that were told 503 before they had asked. */
  readonly shedConnections: number
  /** Answers that are neither. */
  readonly others: readonly string[]
  /** Of the accepted, in milliseconds. */
  readonly p50: number
  readonly p99: number
}

const COME_BACK_MS = 20

export function startFlood(flood: Flood): { stop(): Promise<Flooded> } {
  const thread = new Worker(new URL(import.meta.url), { workerData: flood })
  const flooded = new Promise<Flooded>((resolve, reject) => {
    thread.on('message', resolve).on('error', reject)
  })
  // Whoever stops it is told.
  flooded.catch(() => {})
  return {
    async stop() {
      thread.postMessage('stop')
      const result = await flooded
      await thread.terminate()
      return result
    },
  }
}

if (!isMainThread) runFlood(workerData)

function runFlood({ port, connections, requests }: Flood): void {
  const counts = { accepted: 0, shed: 0, shedWithoutRetry: 0, shedConnections: 0 }
  const others = new Set<string>()
  const times: number[] = []
  let stopping = false
  parentPort?.once('message', () => {
    stopping = true
    const [p50, p99] = [percentile(times, 0.5), percentile(times, 0.99)]
    parentPort?.postMessage({ ...counts, others: [...others], p50, p99 })
  })

  function open(turn: number): void {
    let asked = turn
    let began = performance.now()
    let answers = 0
    let received = ''
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const ask = () => {
      began = performance.now()
      socket.write(requests[asked++ % requests.length] ?? '')
    }
    socket.setEncoding('latin1')
    socket.on('connect', ask)
    socket.on('error', () => {})
    socket.on('close', () => {
      if (!stopping) setTimeout(open, COME_BACK_MS, asked)
    })
    socket.on('data', (text: string) => {
      received += text
      const head = received.indexOf('\r\n\r\n')
      if (head === -1) return
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(received)?.[1] ?? '0')
      if (received.length < head + 4 + length) return
      const status = Number(received.slice(9, 12))
      const closes = /\r\nconnection: close\r\n/i.test(received)
      if (status < 300) {
        counts.accepted++
        times.push(performance.now() - began)
      } else if (status === 503) {
        counts.shed++
        if (!/\r\nretry-after: \d/i.test(received)) counts.shedWithoutRetry++
        if (answers === 0 && closes) counts.shedConnections++
      } else {
        others.add(received.slice(0, head))
      }
      answers++
      received = ''
      if (stopping || closes) socket.destroy()
      else ask()
    })
  }
  for (let n = 0; n < connections; n++) open(n)
}
