/** Why a call has no response, and whether it may have been done. */
import { CoatcheckError } from '../errors.ts'
import type { Call } from './call.ts'
import { ProtocolFault } from './response-parser.ts'

/** `server`: its name, for messages. */
export function timedOut(server: string, call: Call): CoatcheckError {
  return new CoatcheckError(
    'timeout',
    `Cannot wait longer for ${server}: there was no response within the time limit; ${wayOut(call)}`,
    { outcomeUnknown: isUnknown(call) },
  )
}

export function connectionLost(server: string, call: Call, cause: Error): CoatcheckError {
  return new CoatcheckError(
    cause instanceof ProtocolFault ? 'bad_response' : 'connection_lost',
    `Cannot read the response of ${server}: ${cause.message}; ${wayOut(call)}`,
    { outcomeUnknown: isUnknown(call), cause },
  )
}

export function unreachable(server: string, cause: Error | undefined): CoatcheckError {
  return new CoatcheckError(
    'unreachable',
    `Cannot reach Coatcheck at ${server}: ${wordsOf(cause)}; nothing was sent`,
    { cause },
  )
}

function wordsOf(cause: Error | undefined): string {
  if (cause === undefined) return 'no connection'
  // OpenSSL's own text is a line of its source.
  if (/wrong version number|packet length too long/.test(cause.message)) {
    return 'it speaks no TLS there; is it http:// and not https://?'
  }
  return cause.message.trim()
}

export function clientClosed(call?: Call): CoatcheckError {
  return new CoatcheckError(
    'client_closed',
    'Cannot ask Coatcheck: close() of this client was called',
    { outcomeUnknown: call !== undefined && isUnknown(call) },
  )
}

export function tooManyCalls(maxCalls: number): CoatcheckError {
  return new CoatcheckError(
    'too_many_calls',
    `Cannot ask Coatcheck: ${maxCalls} calls are under way or wait already (maxCalls)`,
    { retryAfter: 1 },
  )
}

/** Whether the server may have done it. */
function isUnknown({ isRead, wasSent }: Call): boolean {
  return !isRead && wasSent
}

function wayOut(call: Call): string {
  return isUnknown(call)
    ? 'whether it was done is unknown: read before you send it again'
    : 'nothing was changed'
}
