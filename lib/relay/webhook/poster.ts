/** Posts webhooks to one receiver, over one kept connection. */
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Clock } from '../../base/clock.ts'
import { codeOf } from '../../base/errors.ts'
import { type Address, type Agent, createAgent, startRequest } from '../address.ts'
import { runAfter } from '../wait.ts'
import { type Message, signMessage } from './message.ts'
import { type Attempt, type FailureKind, judgeStatus } from './verdict.ts'

/** Until the head of the answer is there. */
const ANSWER_MS = 15_000
/** For what follows the head: the status has decided by then. */
const BODY_MS = 1_000
/** An answer that is longer costs the receiver its connection, and nothing else. */
const BODY_BYTES = 65_536

export type Poster = {
  /** Makes one attempt. Never rejects; the signal cuts it off. */
  post(message: Message, cut: AbortSignal): Promise<Attempt>
  close(): void
}

export function createPoster(deps: {
  readonly address: Address
  readonly keys: readonly Uint8Array[]
  readonly clock: Clock
}): Poster {
  const { address, keys, clock } = deps
  const agent = createAgent(address)

  return {
    async post(message, cut) {
      const first = await attempt(message, cut, agent)
      if (first !== 'stale') return first
      // A receiver may close a connection that was idle just as the next request sets out.
      const second = await attempt(message, cut, undefined)
      return second === 'stale' ? failed('connection', 'ECONNRESET') : second
    },
    close: () => agent.destroy(),
  }

  /** Without an agent over a new connection. */
  function attempt(
    message: Message,
    cut: AbortSignal,
    connection: Agent | undefined,
  ): Promise<Attempt | 'stale'> {
    if (cut.aborted) return Promise.resolve(CUT)
    const request = startRequest(address, connection, 'POST', {
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(message.body),
      'User-Agent': 'coatcheck-relay',
      ...signMessage(message, keys, clock.now()),
    })
    const { promise, resolve } = Promise.withResolvers<Attempt | 'stale'>()
    const stopTimer = runAfter(clock, ANSWER_MS, () => {
      finish(failed('timeout', `no answer in ${ANSWER_MS / 1_000} s`))
    })
    /** Once the head of the answer is there: whatever comes of the rest, the status has decided. */
    let judged: Attempt | undefined
    const onCut = () => finish(judged ?? CUT)
    cut.addEventListener('abort', onCut)

    request.on('response', (response) => {
      stopTimer()
      const { statusCode = 0, headers } = response
      const verdict = judgeStatus(statusCode, headers['retry-after'], clock.now())
      judged = verdict
      void drain(response, clock).then(() => finish(verdict))
    })
    request.on('error', (error) => {
      if (judged === undefined) finish(judgeError(request, error))
    })
    request.on('close', () => {
      if (judged === undefined) finish(failed('connection', 'closed without an answer'))
    })
    request.end(message.body)
    return promise

    function finish(attempted: Attempt | 'stale'): void {
      stopTimer()
      cut.removeEventListener('abort', onCut)
      // Where the answer is whole the connection is the agent's again, and stays.
      request.destroy()
      resolve(attempted)
    }
  }
}

const CUT: Attempt = { kind: 'cut' }

function failed(failure: FailureKind, reason: string): Attempt {
  return { kind: 'failed', failure, reason, retryAfterMs: undefined }
}

/** By the code alone: a message may quote what the receiver sent. */
function judgeError(request: ClientRequest, error: Error): Attempt | 'stale' {
  const code = codeOf(error)
  if (request.reusedSocket && /^(ECONNRESET|EPIPE)$/.test(code)) return 'stale'
  if (code.startsWith('HPE_')) return failed('protocol', code)
  return failed('connection', code === '' ? 'no connection' : code)
}

/**
 * Reads the rest of an answer, so that its connection can be used again; cuts off what is too long or
 * too late.
 */
function drain(response: IncomingMessage, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    let bytes = 0
    const stopTimer = runAfter(clock, BODY_MS, () => response.destroy())
    // control: webhook-answer-bounded
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > BODY_BYTES) response.destroy()
    })
    response.on('error', () => {})
    response.on('close', () => {
      stopTimer()
      resolve()
    })
  })
}
