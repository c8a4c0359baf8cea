import type { JsonText } from '../json/json.ts'
import { renderIsoTime } from './iso-time.ts'
import { plainId } from './session-id.ts'
import { expiresAt, lifetimeEndsAt, type Session } from './session.ts'

/**
 * The session as its holder sees it, without its app: data and claims byte for byte, times in ISO 8601.
 */
export function renderSession(session: Session): JsonText {
  return renderNamed(session, plainId(session.id))
}

function renderNamed(session: Session, id: string): JsonText {
  const { data, claims } = session
  return `{"id":${renderId(id)},"data":${data},"claims":${claims},${renderLife(session)}}`
}

/** As `JSON.stringify`, in a fifth of its time: an id has no control character. */
function renderId(id: string): JsonText {
  return id.includes('"') || id.includes('\\') ? JSON.stringify(id) : `"${id}"`
}

/** The session without data and claims, for callers who may not see them. */
export function renderClosed(session: Session): JsonText {
  return `{"id":${renderId(plainId(session.id))},${renderLife(session)}}`
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

/**
 * The session as back ends see it: with the device that created it and `handedOut`. `id`: what this
 * back end calls it, the full id or the plain one.
 */
export function renderForBackEnd(
  session: Session,
  id: string,
  handedOut: HandedOut = {},
): JsonText {
  const members = renderNamed(session, id).slice(0, -1)
  const more = JSON.stringify(handedOut).slice(1)
  const { device, keepEndedMs } = session
  const kept = keepEndedMs === undefined ? '' : `,"keepEnded":${keepEndedMs / 1_000}`
  return `${members},"device":${device}${kept}${more === '}' ? more : `,${more}`}`
}
