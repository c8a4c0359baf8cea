/** What pages are made of: text that is the same until the program changes, and has a tag. */
import type { AppContext } from '../app-env.ts'
import { isUnchanged } from '../request/precondition-headers.ts'
import { type AnswerHeaders, contentTag, SAFE_HEADERS } from './answer.ts'
import { HttpError } from './problem.ts'

export type Resource = { readonly type: string; readonly text: string; readonly tag: string }

export const HTML_TYPE = 'text/html; charset=utf-8'
export const STYLE_TYPE = 'text/css; charset=utf-8'
export const SCRIPT_TYPE = 'text/javascript; charset=utf-8'

/** A page may be another one after an upgrade; what has its version in its URL is kept. */
const REVALIDATED = 'no-cache'
export const KEPT = 'public, max-age=31536000, immutable'

export function toResource(type: string, text: string): Resource {
  return { type, text, tag: contentTag(text) }
}

export function toPage(text: string): Resource {
  return toResource(HTML_TYPE, text)
}

/** Made when it is first asked for. */
export function keep(make: () => Resource): () => Resource {
  let kept: Resource | undefined
  return () => (kept ??= make())
}

/** For URLs, without the quotes of a header. */
export function bareTag({ tag }: Resource): string {
  return tag.slice(1, -1)
}

/** Throws for any other method; `what` is what is at the path, as in "a page of the manual". */
export function requireRead({ req: { method } }: AppContext, what: string): void {
  if (method === 'GET' || method === 'HEAD') return
  const message = `Cannot ${method} ${what}: the methods here are GET, HEAD`
  throw new HttpError('method_not_allowed', message, { allow: 'GET, HEAD' })
}

/** Of all that is shown to people; the policy says what a page may do. */
export function pageHeaders(policy: string): AnswerHeaders {
  return {
    ...SAFE_HEADERS,
    Vary: 'Accept',
    'Content-Security-Policy': policy,
    'Referrer-Policy': 'no-referrer',
  }
}

/** 304 for who has it already. */
export function answerResource(
  c: AppContext,
  { type, text, tag }: Resource,
  headers: AnswerHeaders,
  caching = REVALIDATED,
): Response {
  const all = { ...headers, 'Content-Type': type, ETag: tag, 'Cache-Control': caching }
  if (isUnchanged(c, tag)) return new Response(null, { status: 304, headers: all })
  return new Response(text, { headers: all })
}
