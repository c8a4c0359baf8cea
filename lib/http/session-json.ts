import type { JsonText } from '../json/text.ts'
import { expiresAt, lifetimeEndsAt, type Session } from '../session/session.ts'

/** The session as its holder sees it; data and claims as they were put, times in ISO 8601. */
export function renderSession(session: Session): JsonText {
  const times = JSON.stringify({
    permanent: session.permanent,
    createdAt: new Date(session.createdAt),
    lastSeenAt: new Date(session.lastSeenAt),
    expiresAt: new Date(expiresAt(session)),
    lifetimeEndsAt: new Date(lifetimeEndsAt(session)),
  })
  const id = JSON.stringify(session.id)
  return `{"id":${id},"data":${session.data},"claims":${session.claims},${times.slice(1)}`
}
