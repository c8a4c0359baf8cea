/**
 * Requests at a steady pace, whatever the server's answers take: one that is due while all
 * connections wait for theirs is sent late, and its time counts from when it was due. In a thread of
 * its own, so that nothing else that is measured holds it up.
 */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { type Connection, openConnection } from './connection.ts'

export type Pace = {
  readonly port: number
  readonly connections: number
  readonly perSecond: number
  readonly request: string
}

export type PacedLoad = {
  /** The milliseconds that each answer has taken. */
  stop(): Promise<Float64Array>
}

export function startPacedLoad(pace: Pace): PacedLoad {
  const thread = new Worker(new URL(import.meta.url), { workerData: pace })
  const times = new Promise<Float64Array>((resolve, reject) => {
    thread.on('message', resolve).on('error', reject)
  })
  // Whoever stops it is told.
  times.catch(() => {})
  return {
    stop() {
      thread.postMessage('stop')
      return times
    },
  }
}

if (!isMainThread) await keepPace(workerData)

async function keepPace({ port, connections, perSecond, request }: Pace): Promise<void> {
  const idle = await Promise.all(Array.from({ length: connections }, () => openConnection(port)))
  const dueTimes: number[] = []
  const times: number[] = []
  const began = performance.now()
  let due = 0
  let stopping = false
  parentPort?.once('message', () => (stopping = true))

  async function send(connection: Connection, dueTime: number): Promise<void> {
    const status = await connection.ask(request)
    if (status >= 300) throw new Error(`A request was answered with ${status}`)
    times.push(performance.now() - dueTime)
    idle.push(connection)
    dispatch()
  }

  function dispatch(): void {
    while (idle.length > 0 && dueTimes.length > 0) {
      // In turn: the server closes a connection over which no request comes.
      const [connection, dueTime] = [idle.shift(), dueTimes.shift()]
      if (connection !== undefined && dueTime !== undefined) void send(connection, dueTime)
    }
  }

  while (!stopping || dueTimes.length > 0 || idle.length < connections) {
    const now = performance.now()
    for (; !stopping && began + (due * 1000) / perSecond <= now; due++) dueTimes.push(now)
    dispatch()
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  for (const connection of idle) connection.close()
  parentPort?.postMessage(new Float64Array(times))
}
