/** What the parts of a client ask its server by; the adapters reach it here, applications do not. */
import { CoatcheckError, errorOf } from './errors.ts'
import type { Answer } from './transport/response-parser.ts'
import type { CallKind } from './transport/transport.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/**
 * Resolves with the response, whatever its status; rejects as the transport does. `fields` are lines of
 * the header, `body` is JSON.
 */
export type Ask = (
  kind: CallKind,
  method: Method,
  path: string,
  fields: string,
  body?: string,
) => Promise<Answer>

const asks = new WeakMap<object, Ask>()

export function keepAsk(client: object, ask: Ask): void {
  asks.set(client, ask)
}

/** Throws for what `createClient` has not made. */
export function askOf(client: object): Ask {
  const ask = asks.get(client)
  if (ask !== undefined) return ask
  throw new CoatcheckError(
    'invalid_argument',
    'Cannot use the client: it must be one that createClient of coatcheck-client has made',
  )
}

/** Asks the server to answer with no more than is needed (RFC 7240). */
export const MINIMAL = 'Prefer: return=minimal\r\n'

/** The response, unless it tells an error. */
export function must(answer: Answer): Answer {
  if (answer.status >= 400) throw errorOf(answer)
  return answer
}

/** The JSON of the response to a write, of which it is not known without it what it did. */
export function parseBody<T>(answer: Answer): T {
  return parse(answer, true)
}

/** The JSON of the response to a read. */
export function parseRead<T>(answer: Answer): T {
  return parse(answer, false)
}

function parse<T>({ body, status }: Answer, outcomeUnknown: boolean): T {
  try {
    return JSON.parse(body) as T
  } catch {
    // Without the cause, whose message has a piece of the body.
    throw new CoatcheckError('bad_response', 'Cannot read the response: it is no JSON', {
      serverStatus: status,
      outcomeUnknown,
    })
  }
}

/**
 * Whether the response tells that there is no session, or that it has ended. By its code: a wrong path is
 * 404, too.
 */
export function isGone({ status, body }: Answer): boolean {
  return (
    (status === 404 && body.includes('"session_not_found"')) ||
    (status === 410 && body.includes('"session_ended"'))
  )
}
