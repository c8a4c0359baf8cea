import { CoatcheckError } from '../../base/errors.ts'
import { findSub } from '../../session/claims.ts'
import type { SessionLimits } from '../../session/limits.ts'
import { applyOperation } from '../../session/operations.ts'
import { endSession, expiresAt, touchSession } from '../../session/session.ts'
import type { WriteCounts } from '../counts.ts'
import type { Reader } from '../reader.ts'
import type { Tables } from '../tables/tables.ts'
import type { Eviction } from './eviction.ts'
import type { ChangedByWriter, WriteRequest } from './protocol.ts'

export type ChangeParts = {
  readonly tables: Pick<Tables, 'sessions' | 'tombstones' | 'events'>
  readonly reader: Pick<Reader, 'find'>
  readonly eviction: Eviction
  readonly limits: SessionLimits
  readonly counts: Pick<WriteCounts, 'addEnded'>
}

/**
 * A session that ends sooner, by what is in its row, has its activity written at once: what goes by the row
 * alone must not take it for dead before the main thread has noted the activity. No write waits longer
 * (`--max-write-wait`).
 */
const NEAR_END_MS = 60 * 60_000

/** Applies an operation to a live session, and does what follows from a new id or a new `sub`. */
export function createChange({ tables, reader, eviction, limits, counts }: ChangeParts) {
  const { sessions, tombstones, events } = tables

  return function change({ id, now, seenAt, operation }: WriteRequest<'change'>): ChangedByWriter {
    const found = reader.find(id, now, seenAt)
    if (found.state !== 'live') return found
    // control: fresh-session
    const before = touchSession(found.session, now)
    const { session, value } = applyOperation(before, operation, limits)
    if (session === before) {
      const answer = { state: 'live', session, ...(value !== undefined && { value }) } as const
      if (expiresAt(found.session) - now > NEAR_END_MS) return { ...answer, isUnwritten: true }
      // control: activity-near-end
      sessions.touch(id, now)
      return answer
    }
    const isRenewed = session.id !== id
    if (isRenewed && reader.find(session.id, now, 0).state !== 'absent') {
      throw new CoatcheckError('internal', 'Cannot renew the session: its new id is in use')
    }
    const sub = findSub(session.claims)
    const isAssigned = session.claims !== before.claims && sub !== findSub(before.claims)
    const evicted = isAssigned ? eviction.choose(before, sub, now) : undefined
    sessions.update(found.session, session)
    if (isRenewed) counts.addEnded(id, 'renewed')
    if (isAssigned) {
      sessions.assign(session.id, sub)
      events.assigned(before, sub, now)
    }
    if (evicted !== undefined) eviction.evict(evicted, now)
    // control: renewal-tombstone
    if (isRenewed) tombstones.bury(endSession(before, 'renewed', now))
    if (isRenewed) events.renewed(id, session.id, sub, now)
    return {
      state: 'live',
      session,
      ...(value === undefined ? {} : { value }),
      ...(evicted === undefined ? {} : { evicted }),
    }
  }
}
