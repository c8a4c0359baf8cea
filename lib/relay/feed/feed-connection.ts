/** Asks a server for its feed as a stream. */
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Clock } from '../../base/clock.ts'
import { codeOf } from '../../base/errors.ts'
import { quoteStart } from '../../base/quote.ts'
import { type Address, below, startRequest } from '../address.ts'
import { RelayError } from '../relay-error.ts'
import { runAfter } from '../wait.ts'
import { FeedFault } from './feed-fault.ts'

export type FeedAnswer =
  | { readonly kind: 'stream'; readonly response: IncomingMessage }
  /** What came after the cursor may be forgotten; from `oldest` on all is kept. */
  | { readonly kind: 'forgotten'; readonly oldest: string }

/**
 * Rejects with a `FeedFault` for what may pass, and with a `RelayError` for what does not. Without
 * `after` the stream begins with what happens next.
 */
export type ConnectFeed = (after: string | undefined, signal: AbortSignal) => Promise<FeedAnswer>

export type FeedChoice = { readonly type: string | undefined; readonly sub: string | undefined }

/** Until the head of the answer is there; and as long again for the body of a refusal. */
const ANSWER_MS = 15_000
/** A refusal of a server has a few hundred. */
const REFUSAL_BYTES = 16_384

export function createConnectFeed(deps: {
  readonly address: Address
  readonly apiKey: string
  readonly choice: FeedChoice
  readonly clock: Clock
}): ConnectFeed {
  const { address, apiKey, choice, clock } = deps

  return async function connectFeed(after, signal) {
    const query = new URLSearchParams()
    for (const [name, value] of Object.entries({ ...choice, after })) {
      if (value !== undefined) query.set(name, value)
    }
    const path = query.size === 0 ? '/events' : `/events?${query}`
    const request = startRequest(below(address, path), undefined, 'GET', {
      Accept: 'text/event-stream',
      Authorization: `Bearer ${apiKey}`,
      'User-Agent': 'coatcheck-relay',
    })
    const response = await headOf(request, signal, clock)
    const { statusCode = 0, headers } = response
    if (statusCode === 200 && /^text\/event-stream\b/.test(headers['content-type'] ?? '')) {
      return { kind: 'stream', response }
    }
    const problem = readProblem(await bodyOf(response, clock))
    if (problem.code === 'events_forgotten' && problem.oldest !== undefined) {
      return { kind: 'forgotten', oldest: problem.oldest }
    }
    throw refusalOf(statusCode, problem)
  }
}

function headOf(
  request: ClientRequest,
  signal: AbortSignal,
  clock: Clock,
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const stopTimer = runAfter(clock, ANSWER_MS, () => {
    request.destroy(new FeedFault(`no answer in ${ANSWER_MS / 1_000} s`))
  })
  const onAbort = () => request.destroy()
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort)
  request.on('response', (response) => {
    stopTimer()
    resolve(response)
  })
  // Also of a connection that breaks later: then the response fails, which is what is read.
  request.on('error', (error) => {
    stopTimer()
    reject(error instanceof FeedFault ? error : new FeedFault(reasonOf(error)))
  })
  request.on('close', () => {
    stopTimer()
    signal.removeEventListener('abort', onAbort)
    reject(new FeedFault('closed without an answer'))
  })
  request.end()
  return promise
}

/** By the code alone, where there is one: a message may quote what was received. */
export function reasonOf(error: unknown): string {
  const code = codeOf(error)
  return code === '' ? 'the connection broke' : code
}

/** Of what is too long, or does not come, the beginning. */
async function bodyOf(response: IncomingMessage, clock: Clock): Promise<string> {
  const stopTimer = runAfter(clock, ANSWER_MS, () => response.destroy())
  let text = ''
  try {
    response.setEncoding('utf8')
    for await (const piece of response) {
      text += String(piece)
      if (text.length > REFUSAL_BYTES) break
    }
  } catch {
    // Its status says enough.
  } finally {
    stopTimer()
  }
  return text
}

type Problem = { readonly code: string; readonly detail: string; readonly oldest?: string }

/** Empty words for what is no problem of Coatcheck's. */
function readProblem(text: string): Problem {
  try {
    const body: unknown = JSON.parse(text)
    if (body === null || typeof body !== 'object' || !('code' in body)) return NO_PROBLEM
    const oldest = 'oldest' in body && typeof body.oldest === 'string' ? body.oldest : undefined
    const detail = 'detail' in body ? String(body.detail) : ''
    return { code: String(body.code), detail, ...(oldest !== undefined && { oldest }) }
  } catch {
    return NO_PROBLEM
  }
}

const NO_PROBLEM: Problem = { code: '', detail: '' }

/** Of a server, or of a proxy in front of it. */
function refusalOf(status: number, { code, detail }: Problem): RelayError | FeedFault {
  if (status === 401 || status === 403) {
    return new RelayError(
      'refused',
      `Cannot read the feed: the server refuses the API key (${status} ${code}); give one that is in ` +
        'force and has the scope read or all',
    )
  }
  if (code === 'events_not_kept') {
    return new RelayError(
      'refused',
      'Cannot read the feed: the server keeps no events (--max-events 0)',
    )
  }
  if (code === 'bad_request') {
    return new RelayError('usage', `Cannot read the feed: ${detail}`)
  }
  if (status === 200) return new FeedFault('the answer is no stream of events')
  return new FeedFault(code === '' ? `status ${status}` : `status ${status} ${quoteStart(code)}`)
}
