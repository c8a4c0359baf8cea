/** One connection: requests go out in one write a turn, responses come back in their order. */
import type { Socket } from 'node:net'
import type { Call } from './call.ts'
import type { Endpoint } from './endpoint.ts'
import { type Answer, createResponseParser, ProtocolFault } from './response-parser.ts'

export type Connection = {
  /** Whether requests may be sent. */
  readonly isReady: boolean
  /** Whether it has ever been so. */
  readonly wasReady: boolean
  /** Requests that have been sent and not answered. */
  readonly inFlight: number
  /** The one that has waited longest. */
  readonly oldest: Call | undefined
  /** Whether requests of one turn of the event loop go out together: for pipelining. */
  gathers: boolean
  /** The tick of its last use. */
  lastUsed: number
  /** Ticks after which it may be closed by the server, if it is idle. */
  keepAliveTicks: number
  /** `text`: as it goes out. */
  send(call: Call, text: string): void
  /** Closes it; `onLost` is told why. */
  close(error: Error): void
}

export type ConnectionEvents = {
  readonly onReady: (connection: Connection) => void
  /** The response to the oldest call in flight. */
  readonly onAnswer: (connection: Connection, call: Call, answer: Answer) => void
  /**
   * Once, at its end: the calls that were sent and have no response. `isUndone`: the server has said that
   * it does not do them.
   */
  readonly onLost: (
    connection: Connection,
    calls: readonly Call[],
    error: Error,
    isUndone: boolean,
  ) => void
}

export type ConnectionOptions = ConnectionEvents & {
  readonly endpoint: Endpoint
  readonly gathers: boolean
  /** Ticks, where the server does not say how long it waits. */
  readonly keepAliveTicks: number
  readonly ticksOf: (seconds: number) => number
}

/**
 * With `Connection: close`, to no request or to the oldest: the server waited for one in vain, and takes none
 * any more (RFC 9110 section 15.5.9).
 */
const NOT_TAKEN = 408

/** The place in the queue from which on the calls before are dropped. */
const COMPACT_AT = 1_024

export function openConnection(options: ConnectionOptions): Connection {
  const { endpoint, onReady, onAnswer, onLost, ticksOf } = options
  /** In flight from `next` on. */
  let calls: Call[] = []
  let next = 0
  let outgoing = ''
  let isOpen = true
  let isUndone = false
  /** What is at fault when the socket closes. */
  let fault: Error | undefined

  const parser = createResponseParser(take)
  const socket: Socket = endpoint.open(receive)
  // The timer of the calls keeps the process alive, and an idle connection does not.
  socket.unref()
  socket.on(endpoint.readyEvent, () => {
    connection.isReady = true
    connection.wasReady = true
    onReady(connection)
  })
  socket.on('error', (error) => (fault ??= error))
  socket.on('end', () => socket.destroy())
  socket.on('close', end)

  const connection = {
    isReady: false,
    wasReady: false,
    inFlight: 0,
    get oldest() {
      return calls[next]
    },
    gathers: options.gathers,
    lastUsed: 0,
    keepAliveTicks: options.keepAliveTicks,
    send(call: Call, text: string) {
      call.wasSent = true
      calls.push(call)
      connection.inFlight++
      if (!connection.gathers) {
        socket.write(text, 'latin1')
        return
      }
      // One write for all that this turn of the event loop has to send.
      // control: client-corks
      if (outgoing === '') setImmediate(flush)
      outgoing += text
    },
    close(error: Error) {
      fault ??= error
      socket.destroy()
      end()
    },
  }
  return connection

  function flush(): void {
    const text = outgoing
    outgoing = ''
    if (isOpen) socket.write(text, 'latin1')
  }

  function receive(piece: Uint8Array): void {
    if (!isOpen) return
    try {
      parser.push(piece)
    } catch (error) {
      // What a call does with its response happens later.
      connection.close(error instanceof Error ? error : new ProtocolFault('it cannot be read'))
    }
  }

  function take(answer: Answer): void {
    if (!isOpen) return
    if (answer.status === NOT_TAKEN && answer.closes) {
      isUndone = true
      connection.close(new Error('the server closed the connection'))
      return
    }
    const call = calls[next]
    if (call === undefined) throw new ProtocolFault('nothing was asked')
    next++
    if (next === calls.length) {
      calls = []
      next = 0
    } else if (next === COMPACT_AT) {
      calls = calls.slice(next)
      next = 0
    }
    connection.inFlight--
    if (answer.keepAlive !== undefined) connection.keepAliveTicks = ticksOf(answer.keepAlive)
    // Nothing that was sent after it will be answered.
    if (answer.closes) connection.isReady = false
    onAnswer(connection, call, answer)
    if (answer.closes) {
      isUndone = true
      connection.close(new Error('the server closed the connection'))
    }
  }

  function end(): void {
    if (!isOpen) return
    isOpen = false
    connection.isReady = false
    const lost = calls.slice(next)
    calls = []
    next = 0
    connection.inFlight = 0
    onLost(connection, lost, fault ?? new Error('the server closed the connection'), isUndone)
  }
}
