/** The answers of the API. Every one carries the headers that keep it out of caches and pages. */
import { kindOf, type JsonText } from '../../json/json.ts'
import type { Session } from '../../session/session.ts'

export type Headers = Readonly<Record<string, string>>

export const SAFE_HEADERS = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  Vary: 'Cookie, Authorization, Accept',
  'X-Content-Type-Options': 'nosniff',
} as const

/**
 * A text ends in a line feed, which is none of the value's: in a terminal the prompt is on a line of its
 * own, and line-wise tools find their line. Bytes go out as they are.
 */
export function answerJson(
  status: number,
  body: JsonText | Uint8Array<ArrayBuffer>,
  headers?: Headers,
): Response {
  return new Response(typeof body === 'string' ? `${body}\n` : body, {
    status,
    headers: { ...SAFE_HEADERS, 'Content-Type': 'application/json', ...headers },
  })
}

export function answerEmpty(headers?: Headers): Response {
  return new Response(null, { status: 204, headers: { ...SAFE_HEADERS, ...headers } })
}

/**
 * A value as JSON text, byte for byte; bare, for shell scripts, where `asText`. A string with half of
 * a surrogate pair is none that UTF-8 could carry, and stays JSON.
 */
export function answerValue(value: JsonText, asText: boolean, headers?: Headers): Response {
  if (!asText) return answerJson(200, value, headers)
  const bare = String(kindOf(value) === 'string' ? JSON.parse(value) : value)
  if (!bare.isWellFormed()) return answerJson(200, value, headers)
  return new Response(bare, {
    status: 200,
    headers: { ...SAFE_HEADERS, 'Content-Type': 'text/plain; charset=utf-8', ...headers },
  })
}

/** 304: the caller has it already. */
export function answerUnchanged(tag: string): Response {
  return new Response(null, { status: 304, headers: { ...SAFE_HEADERS, ETag: tag } })
}

/** The version. A bare value is other bytes than its JSON, and so has another tag (RFC 9110 8.8.1). */
export function entityTag(session: Session, isText = false): string {
  return isText ? `"${session.version}-text"` : `"${session.version}"`
}
