/** Events as callers see them: JSON, and the lines of a stream (HTML standard, "server-sent events"). */
import type { JsonText } from '../../json/json.ts'
import { renderIsoTime } from '../../session/iso-time.ts'
import type { FeedEvent } from '../../store/feed-store.ts'
import type { Cursor } from '../../store/selection.ts'

/** What the caller calls the session of a full id. */
export type ShowId = (fullId: string) => string

/** `sub`, and `subBefore`, are absent where there is none. */
export function renderEvent(event: FeedEvent, showId: ShowId): JsonText {
  const { cursor, type, at, session, sub } = event
  return JSON.stringify({
    id: cursor,
    type,
    at: renderIsoTime(at),
    session: showId(session),
    sub,
    ...(event.type === 'session.renewed' && { renewedAs: showId(event.renewedAs) }),
    ...(event.type === 'session.assigned' && { subBefore: event.subBefore }),
    ...(event.type === 'session.ended' && { reason: event.reason }),
  })
}

/** A block of a stream; its JSON has no line feed. */
export function renderBlock(event: FeedEvent, showId: ShowId): string {
  return `id: ${event.cursor}\nevent: ${event.type}\ndata: ${renderEvent(event, showId)}\n\n`
}

/** A block that is no event, and has the client go on after this cursor if the connection ends. */
export function renderPlace(cursor: Cursor): string {
  return `id: ${cursor}\n\n`
}
