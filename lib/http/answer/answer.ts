/** Responses of the API. Each has the headers that keep it out of caches and out of pages. */
import { hash } from 'node:crypto'
import { kindOf, type JsonText } from '../../json/json.ts'
import type { Session } from '../../session/session.ts'

export type AnswerHeaders = Readonly<Record<string, string>>

export const SAFE_HEADERS = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  // control: vary
  Vary: 'Cookie, Authorization, Session-Token, Accept',
  'X-Content-Type-Options': 'nosniff',
} as const

/**
 * A text gets a line feed at its end, which is not part of the value: it keeps a terminal's prompt
 * and line-wise tools in order. Bytes go out as they are.
 */
export function answerJson(
  status: number,
  body: JsonText | Uint8Array<ArrayBuffer>,
  headers?: AnswerHeaders,
): Response {
  return new Response(typeof body === 'string' ? `${body}\n` : body, {
    status,
    headers: { ...SAFE_HEADERS, 'Content-Type': 'application/json', ...headers },
  })
}

export function answerEmpty(headers?: AnswerHeaders): Response {
  return new Response(null, { status: 204, headers: { ...SAFE_HEADERS, ...headers } })
}

/** What `Prefer: return=minimal` asks for (RFC 7240): the status says what was done, no body repeats it. */
export function answerMinimal(status: 201 | 204, headers: AnswerHeaders): Response {
  return new Response(null, {
    status,
    headers: { ...SAFE_HEADERS, ...headers, 'Preference-Applied': 'return=minimal' },
  })
}

/**
 * A value as JSON text, byte for byte; with `asText` bare, for shell scripts. A string with a lone
 * surrogate stays JSON, since UTF-8 cannot hold it.
 */
export function answerValue(value: JsonText, asText: boolean, headers?: AnswerHeaders): Response {
  if (!asText) return answerJson(200, value, headers)
  const bare = String(kindOf(value) === 'string' ? JSON.parse(value) : value)
  if (!bare.isWellFormed()) return answerJson(200, value, headers)
  return new Response(bare, {
    status: 200,
    headers: { ...SAFE_HEADERS, 'Content-Type': 'text/plain; charset=utf-8', ...headers },
  })
}

export function answerUnchanged(tag: string): Response {
  return new Response(null, { status: 304, headers: { ...SAFE_HEADERS, ETag: tag } })
}

/** A tag for what is the same for everybody until the program changes. */
export function contentTag(text: string): string {
  return `"${hash('sha256', text, 'base64url').slice(0, 22)}"`
}

/**
 * The session's version. A bare value has a tag of its own, since its bytes differ (RFC 9110
 * 8.8.1).
 */
export function entityTag(session: Session, isText = false): string {
  return isText ? `"${session.version}-text"` : `"${session.version}"`
}
