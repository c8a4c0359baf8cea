import { CoatcheckError } from '../../base/errors.ts'
import { findSub } from '../../session/claims.ts'
import type { SessionLimits } from '../../session/limits.ts'
import { applyOperation } from '../../session/operations.ts'
import { endSession, touchSession } from '../../session/session.ts'
import type { Changed } from '../../store/store.ts'
import type { Reader } from '../reader.ts'
import type { Tables } from '../tables/tables.ts'
import type { Eviction } from './eviction.ts'
import type { WriteRequest } from './protocol.ts'

export type ChangeParts = {
  readonly tables: Pick<Tables, 'sessions' | 'tombstones'>
  readonly reader: Pick<Reader, 'find'>
  readonly eviction: Eviction
  readonly limits: SessionLimits
}

/** Applies an operation to a live session, and does what follows from a new id or a new `sub`. */
export function createChange({ tables, reader, eviction, limits }: ChangeParts) {
  const { sessions, tombstones } = tables

  return function change({ id, now, seenAt, operation }: WriteRequest<'change'>): Changed {
    const found = reader.find(id, now, seenAt)
    if (found.state !== 'live') return found
    // control: fresh-session
    const before = touchSession(found.session, now)
    const { session, value } = applyOperation(before, operation, limits)
    const isRenewed = session.id !== id
    if (isRenewed && reader.find(session.id, now, 0).state !== 'absent') {
      throw new CoatcheckError('internal', 'Cannot renew the session: its new id is in use')
    }
    const sub = findSub(session.claims)
    const isAssigned = session.claims !== before.claims && sub !== findSub(before.claims)
    const evicted = isAssigned ? eviction.choose(before, sub, now) : undefined
    sessions.update(found.session, session)
    if (isAssigned) sessions.assign(session.id, sub)
    if (evicted !== undefined) eviction.evict(evicted, now)
    // control: renewal-tombstone
    if (isRenewed) tombstones.bury(endSession(before, 'renewed', now))
    return {
      state: 'live',
      session,
      ...(value === undefined ? {} : { value }),
      ...(evicted === undefined ? {} : { evicted }),
    }
  }
}
