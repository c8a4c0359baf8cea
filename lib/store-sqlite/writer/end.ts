import { CoatcheckError } from '../../base/errors.ts'
import { checkPrecondition } from '../../session/precondition.ts'
import {
  type EndReason,
  endSession,
  type Found,
  type Session,
  type Tombstone,
} from '../../session/session.ts'
import type { WriteCounts } from '../counts.ts'
import type { Reader } from '../reader.ts'
import type { Tables } from '../tables/tables.ts'
import type { WriteRequest } from './protocol.ts'

export type Ending = {
  /** Ends a live session; returns what it found. Throws unless `when` holds. */
  end(request: WriteRequest<'end'>): Found
  /** Ends a session if it is live. */
  endIfLive(id: string, now: number, reason: EndReason): void
}

export type EndParts = {
  readonly tables: Pick<Tables, 'sessions' | 'tombstones' | 'events'>
  readonly reader: Pick<Reader, 'find'>
  readonly counts: Pick<WriteCounts, 'addEnded'>
}

/** Ends sessions by their id; also damaged ones, so that anybody can be logged out. */
export function createEnding({ tables, reader, counts }: EndParts): Ending {
  const { sessions, tombstones, events } = tables

  function findUnlessDamaged(id: string, now: number, seenAt: number): Found | undefined {
    try {
      return reader.find(id, now, seenAt)
    } catch (error) {
      if (error instanceof CoatcheckError && error.code === 'storage_damaged') return undefined
      throw error
    }
  }

  /** Ends a damaged session, of which nothing but the id can be trusted. */
  function discard(id: string, now: number, reason: EndReason): Tombstone {
    const tombstone = { id, secretHash: null, reason, endedAt: now }
    sessions.delete(id)
    counts.addEnded(id, reason)
    tombstones.bury(tombstone)
    events.ended(id, undefined, reason, now)
    return tombstone
  }

  // control: finish
  function finish(session: Session, now: number, reason: EndReason): void {
    // control: end-is-final
    sessions.delete(session.id)
    counts.addEnded(session.id, reason)
    // control: log-out-final-2
    tombstones.bury(endSession(session, reason, now))
    events.ended(session.id, session, reason, now)
  }

  return {
    end({ id, now, seenAt, reason, when, graceMs = 0 }) {
      const found = findUnlessDamaged(id, now - graceMs, seenAt)
      if (found === undefined) return { state: 'ended', tombstone: discard(id, now, reason) }
      if (found.state !== 'live') return found
      if (when !== undefined) checkPrecondition(when, found.session.version, true)
      finish(found.session, now, reason)
      return found
    },
    endIfLive(id, now, reason) {
      const found = findUnlessDamaged(id, now, 0)
      if (found === undefined) discard(id, now, reason)
      else if (found.state === 'live') finish(found.session, now, reason)
    },
  }
}
