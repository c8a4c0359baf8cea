/**
 * Ids as callers know them. A back end of an app gives and is shown plain ids: of all sessions it names
 * those of its app alone. A back end without an app gives and is shown full ids. A holder is shown the
 * plain one.
 */
import type { JsonText } from '../../json/json.ts'
import type { Found, Session } from '../../session/session.ts'
import {
  appOf,
  FULL_ID_SHAPE,
  fullId,
  ID_SHAPE,
  isFullId,
  isId,
  plainId,
} from '../../session/session-id.ts'
import { type HandedOut, renderForBackEnd, renderSession } from '../../session/session-json.ts'
import { ABSENT } from '../../session/retention.ts'
import type { AppContext } from '../app-env.ts'

/** The app of the caller's API key; undefined for none, which stands for all apps. */
export function callersApp(c: AppContext): string | undefined {
  return c.get('backEnd')?.app
}

/** The full id of the session that the caller calls `id`. Of another shape it is that of no session. */
export function fullIdFor(c: AppContext, id: string): string {
  return fullId(callersApp(c), id)
}

/** Whether the caller can call a session so. */
export function isCallersId(c: AppContext, id: string): boolean {
  return callersApp(c) === undefined ? isFullId(id) : isId(id)
}

/** The shape of what `isCallersId` is true for. */
export function callersIdShape(c: AppContext): string {
  return callersApp(c) === undefined ? FULL_ID_SHAPE : ID_SHAPE
}

/** What the caller calls the session of this full id. */
export function shownId(c: AppContext, fullId: string): string {
  const backEnd = c.get('backEnd')
  return backEnd !== undefined && backEnd.app === undefined ? fullId : plainId(fullId)
}

/** The same of several; undefined for undefined. */
export function shownIds(
  c: AppContext,
  fullIds: readonly string[] | undefined,
): readonly string[] | undefined {
  return fullIds?.map((fullId) => shownId(c, fullId))
}

/** The session as the caller sees it: its holder, or a back end, which `handedOut` is for. */
export function renderFor(c: AppContext, session: Session, handedOut: HandedOut = {}): JsonText {
  if (c.get('backEnd') === undefined) return renderSession(session)
  const evicted = shownIds(c, handedOut.evicted)
  return renderForBackEnd(session, shownId(c, session.id), { ...handedOut, evicted })
}

/** What a token has opened, for a back end of the session's app; else, and for no session, nothing. */
export function withinApp(c: AppContext, found: Found): Found {
  const app = callersApp(c)
  if (app === undefined || found.state === 'absent') return found
  const { id } = found.state === 'live' ? found.session : found.tombstone
  // control: cookie-of-app
  return appOf(id) === app ? found : ABSENT
}
