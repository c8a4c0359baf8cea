/**
 * Requests to one server over a few kept connections. Quick reads share one, pipelined, and so do writes where
 * the server does those of a connection at the same time. What takes long has a connection to itself
 * while it lasts, and so has each write where a proxy in between answers one request after
 * another. A read is sent again when its connection breaks. A write never is, unless the server has
 * said that it was not done: else it may have been, and the error says so.
 */
import type { CoatcheckError } from '../errors.ts'
import { type Call, type CallQueue, createCallQueue } from './call.ts'
import { clientClosed, connectionLost, timedOut, tooManyCalls, unreachable } from './call-errors.ts'
import { type Connection, type ConnectionEvents, openConnection } from './connection.ts'
import type { Endpoint } from './endpoint.ts'
import type { Answer } from './response-parser.ts'

export type Transport = {
  /**
   * Resolves with the response, whatever its status. `text` is the whole request as latin1. Rejects
   * with a `CoatcheckError`: `unreachable`, `timeout`, `connection_lost`, `bad_response`,
   * `too_many_calls` or `client_closed`.
   */
  ask(text: string, kind: CallKind, timeoutMs?: number): Promise<Answer>
  /** Calls that are not answered yet. */
  readonly outstanding: number
  /** Closes all connections at once: what is under way is rejected. */
  close(): void
}

/** `slow`: what may take long must not hold up others. */
export type CallKind = 'read' | 'write' | 'slow read' | 'slow write'

export type TransportOptions = {
  readonly endpoint: Endpoint
  /** From the call to its response. */
  readonly timeoutMs: number
  /** How long a call waits for a server that cannot be reached. */
  readonly connectTimeoutMs: number
  /** Calls that have a connection to themselves, at the same time. */
  readonly maxConnections: number
  /** Calls that may be under way or wait. */
  readonly maxCalls: number
  /** Calls `run` each `intervalMs` until the returned function is called; keeps the process alive. */
  readonly every?: (intervalMs: number, run: () => void) => () => void
}

export const TICK_MS = 100
/** Calls in flight on one connection. The server does at most 128 writes of one at the same time. */
const MAX_PIPELINED = 96
/** What is larger would hold up the writes of others, or end them with the connection that it is refused on. */
const MAX_SHARED_BYTES = 131_072
/** The first request of a connection asks the server to do writes at the same time. */
const ASK_PARALLEL = ' HTTP/1.1\r\nConnection: parallel-pipelining\r\n'
/** How often a read is sent. */
const MAX_ATTEMPTS = 3
/** Where the server does not say how long it keeps a connection: less than Node's 5 s. */
const KEEP_ALIVE_S = 4
const FIRST_PAUSE_TICKS = 1
const LONGEST_PAUSE_TICKS = 10

export function createTransport(options: TransportOptions): Transport {
  const { endpoint, maxConnections, maxCalls, every = everySystem } = options
  const timeoutTicks = ticksIn(options.timeoutMs)
  const connectTicks = ticksIn(options.connectTimeoutMs)
  const reads = createLane(true)
  const writes = createLane(false)
  /** For calls that have a connection to themselves. */
  const alone = createCallQueue()
  const aloneConnections = new Set<Connection>()
  /** Those of them that wait for work, the latest last: it is the surest to be open still. */
  let idle: Connection[] = []
  /** Undefined until the server has told. */
  let isServerParallel: boolean | undefined
  let outstanding = 0
  let isClosed = false

  let tick = 0
  let stopTicking: (() => void) | undefined
  let stoppedAt = 0
  /** Of connections that could not be opened, in a row. */
  let failures = 0
  let nextTry = 0
  let unreachableSince: number | undefined
  let lastFault: Error | undefined

  function ask(text: string, kind: CallKind, timeoutMs?: number): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (isClosed) return reject(clientClosed())
      // control: client-queue-bound
      if (outstanding >= maxCalls) return reject(tooManyCalls(maxCalls))
      outstanding++
      if (stopTicking === undefined) startTicking()
      const ticks = timeoutMs === undefined ? timeoutTicks : ticksIn(timeoutMs)
      const isRead = kind === 'read' || kind === 'slow read'
      const expires = tick + ticks + 1
      const call = { text, isRead, expires, failures: 0, wasSent: false, resolve, reject }
      if (kind === 'read') sendIn(reads, call)
      else if (kind === 'write' && isServerParallel !== false && text.length <= MAX_SHARED_BYTES) {
        sendIn(writes, call)
      } else sendAlone(call)
    })
  }

  function sendIn(lane: Lane, call: Call): void {
    const { connection } = lane
    if (connection !== undefined && lane.queue.length === 0 && hasRoom(lane, connection)) {
      connection.lastUsed = tick
      connection.send(call, call.text)
      return
    }
    lane.queue.push(call)
    if (connection === undefined) openForWaiting()
    else if (!lane.isOpen && connection.isReady && connection.inFlight === 0)
      askParallel(connection)
  }

  function sendAlone(call: Call): void {
    const connection = alone.length === 0 ? idle.pop() : undefined
    if (connection !== undefined) {
      connection.lastUsed = tick
      connection.send(call, call.text)
      return
    }
    alone.push(call)
    openForWaiting()
  }

  /** Opens what the waiting calls need, unless the last try was in vain a moment ago. */
  function openForWaiting(): void {
    if (isClosed || tick < nextTry) return
    for (const lane of [reads, writes]) {
      if (lane.queue.length > 0) lane.connection ??= open(lane.isOpen, onLaneReady, onLaneAnswer)
    }
    let opening = 0
    for (const connection of aloneConnections) if (!connection.wasReady) opening++
    while (aloneConnections.size < maxConnections && opening < alone.length) {
      aloneConnections.add(open(false, onAloneReady, onAloneAnswer))
      opening++
      // One shows whether the server is there.
      if (failures > 0) break
    }
  }

  function open(
    gathers: boolean,
    onReady: ConnectionEvents['onReady'],
    onAnswer: ConnectionEvents['onAnswer'],
  ): Connection {
    const connection = openConnection({
      endpoint,
      gathers,
      keepAliveTicks: KEEP_ALIVE_S * (1_000 / TICK_MS),
      ticksOf: (seconds) => Math.max(1, ticksIn(seconds * 1_000) - 1_000 / TICK_MS),
      onReady,
      onAnswer,
      onLost,
    })
    connection.lastUsed = tick
    return connection
  }

  function onLaneReady(connection: Connection): void {
    noteSuccess()
    const lane = laneOf(connection)
    if (lane.isOpen) feed(lane, connection)
    else askParallel(connection)
  }

  /** The first write asks, the others wait for what the server says to it. */
  function askParallel(connection: Connection): void {
    const call = writes.queue.shift()
    connection.lastUsed = tick
    if (call !== undefined) connection.send(call, call.text.replace(' HTTP/1.1\r\n', ASK_PARALLEL))
  }

  function onLaneAnswer(connection: Connection, call: Call, answer: Answer): void {
    outstanding--
    call.resolve(answer)
    const lane = laneOf(connection)
    if (!lane.isOpen) {
      isServerParallel = answer.isParallel
      if (!answer.isParallel) return leaveLane(connection)
      lane.isOpen = true
      connection.gathers = true
    }
    if (lane.queue.length > 0) feed(lane, connection)
  }

  /** The server, or a proxy before it, answers one request after the other. */
  function leaveLane(connection: Connection): void {
    writes.connection = undefined
    alone.unshift(writes.queue.drain())
    aloneConnections.add(connection)
    if (connection.isReady) feedAlone(connection)
    openForWaiting()
  }

  function feed(lane: Lane, connection: Connection): void {
    connection.lastUsed = tick
    while (hasRoom(lane, connection)) {
      const call = lane.queue.shift()
      if (call === undefined) return
      connection.send(call, call.text)
    }
  }

  function onAloneReady(connection: Connection): void {
    noteSuccess()
    feedAlone(connection)
  }

  function onAloneAnswer(connection: Connection, call: Call, answer: Answer): void {
    outstanding--
    call.resolve(answer)
    if (connection.isReady) feedAlone(connection)
  }

  function feedAlone(connection: Connection): void {
    connection.lastUsed = tick
    const call = alone.shift()
    if (call === undefined) idle.push(connection)
    else connection.send(call, call.text)
  }

  function laneOf(connection: Connection): Lane {
    return connection === reads.connection ? reads : writes
  }

  function connections(): Connection[] {
    const lanes = [reads.connection, writes.connection]
    return [...lanes.filter((connection) => connection !== undefined), ...aloneConnections]
  }

  function onLost(
    connection: Connection,
    calls: readonly Call[],
    fault: Error,
    isUndone: boolean,
  ): void {
    let queue = alone
    for (const lane of [reads, writes]) {
      if (lane.connection !== connection) continue
      queue = lane.queue
      lane.connection = undefined
      lane.isOpen = lane === reads
      if (lane === writes) isServerParallel = undefined
    }
    aloneConnections.delete(connection)
    if (idle.includes(connection)) idle = idle.filter((other) => other !== connection)
    if (!connection.wasReady) noteFailure(fault)
    const again: Call[] = []
    for (const call of calls) {
      if (isUndone) call.wasSent = false
      if (isClosed) fail(call, clientClosed(call))
      else if (call.expires <= tick) fail(call, timedOut(endpoint.name, call))
      // control: client-repeats-reads-only
      else if (isUndone || (call.isRead && ++call.failures < MAX_ATTEMPTS)) again.push(call)
      else fail(call, connectionLost(endpoint.name, call, fault))
    }
    if (again.length > 0) queue.unshift(again)
    openForWaiting()
  }

  function noteSuccess(): void {
    failures = 0
    unreachableSince = undefined
  }

  function noteFailure(fault: Error): void {
    failures++
    // It may be another one when it comes back.
    isServerParallel = undefined
    lastFault = fault
    unreachableSince ??= tick
    nextTry = tick + Math.min(FIRST_PAUSE_TICKS << Math.min(failures - 1, 8), LONGEST_PAUSE_TICKS)
  }

  function fail(call: Call, error: CoatcheckError): void {
    outstanding--
    call.reject(error)
  }

  function startTicking(): void {
    tick += Math.floor((performance.now() - stoppedAt) / TICK_MS)
    unreachableSince = undefined
    closeIdle()
    stopTicking = every(TICK_MS, onTick)
  }

  function onTick(): void {
    tick++
    if (outstanding === 0) {
      stopTicking?.()
      stopTicking = undefined
      stoppedAt = performance.now()
      return
    }
    for (const connection of connections()) {
      const { oldest } = connection
      if (!connection.wasReady && tick - connection.lastUsed >= connectTicks) {
        connection.close(new Error(`no connection within ${options.connectTimeoutMs} ms`))
      } else if (oldest !== undefined && oldest.expires <= tick) {
        // The response may still come, and nobody could tell for which request.
        connection.close(new Error('no response in time'))
      }
    }
    closeIdle()
    const isUnreachable = unreachableSince !== undefined && tick - unreachableSince >= connectTicks
    for (const queue of [reads.queue, writes.queue, alone]) {
      if (isUnreachable)
        for (const call of queue.drain()) fail(call, unreachable(endpoint.name, lastFault))
      while (queue.first !== undefined && queue.first.expires <= tick) {
        const call = queue.shift()
        if (call !== undefined) fail(call, timedOut(endpoint.name, call))
      }
    }
    openForWaiting()
  }

  /** Before the server does: a request would be on its way just then, and its outcome unknown. */
  function closeIdle(): void {
    const isDue = ({ lastUsed, keepAliveTicks }: Connection) => tick - lastUsed >= keepAliveTicks
    // control: client-closes-idle
    for (const connection of idle.filter(isDue)) connection.close(new Error('idle'))
    for (const { connection } of [reads, writes]) {
      if (connection?.isReady !== true || connection.inFlight > 0) continue
      if (isDue(connection)) connection.close(new Error('idle'))
    }
  }

  function close(): void {
    isClosed = true
    const closing = new Error('the client was closed')
    for (const connection of connections()) {
      connection.close(closing)
    }
    for (const queue of [reads.queue, writes.queue, alone]) {
      for (const call of queue.drain()) fail(call, clientClosed(call))
    }
    stopTicking?.()
    stopTicking = undefined
  }

  return {
    ask,
    get outstanding() {
      return outstanding
    },
    close,
  }
}

/** Pipelined calls of one kind. */
type Lane = {
  readonly queue: CallQueue
  connection: Connection | undefined
  /** Whether more than one request may be in flight. */
  isOpen: boolean
}

function createLane(isOpen: boolean): Lane {
  return { queue: createCallQueue(), connection: undefined, isOpen }
}

function hasRoom({ isOpen }: Lane, { isReady, inFlight }: Connection): boolean {
  return isReady && isOpen && inFlight < MAX_PIPELINED
}

function ticksIn(milliseconds: number): number {
  return Math.ceil(milliseconds / TICK_MS)
}

function everySystem(intervalMs: number, run: () => void): () => void {
  const timer = setInterval(run, intervalMs)
  return () => clearInterval(timer)
}
