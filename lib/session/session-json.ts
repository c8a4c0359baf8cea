import type { JsonText } from '../json/json.ts'
import { renderIsoTime } from './iso-time.ts'
import { expiresAt, lifetimeEndsAt, type Session } from './session.ts'

/** The session as its holder sees it: data and claims byte for byte, times in ISO 8601. */
export function renderSession(session: Session): JsonText {
  const { id, data, claims } = session
  // An id has no characters that JSON escapes.
  return `{"id":"${id}","data":${data},"claims":${claims},${renderLife(session)}}`
}

/** The session without data and claims, for callers who may not see them. */
export function renderClosed(session: Session): JsonText {
  return `{"id":"${session.id}",${renderLife(session)}}`
}

function renderLife(session: Session): string {
  const { permanent, createdAt, lastSeenAt } = session
  return (
    `"permanent":${permanent},` +
    `"createdAt":"${renderIsoTime(createdAt)}","lastSeenAt":"${renderIsoTime(lastSeenAt)}",` +
    `"expiresAt":"${renderIsoTime(expiresAt(session))}",` +
    `"lifetimeEndsAt":"${renderIsoTime(lifetimeEndsAt(session))}"`
  )
}

/** Members for a back end that only the response to its write has; absent ones do not apply. */
export type HandedOut = {
  readonly token?: string | undefined
  /** The value of a `Set-Cookie` header for the browser. */
  readonly setCookie?: string | undefined
  readonly evicted?: readonly string[] | undefined
}

/** The session as back ends see it: with the device that created it and `handedOut`. */
export function renderForBackEnd(session: Session, handedOut: HandedOut = {}): JsonText {
  const members = renderSession(session).slice(0, -1)
  const more = JSON.stringify(handedOut).slice(1)
  return `${members},"device":${session.device}${more === '}' ? more : `,${more}`}`
}
