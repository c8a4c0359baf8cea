import { CoatcheckError } from '../../base/errors.ts'
import { findSub } from '../../session/claims.ts'
import { expireSession } from '../../session/session.ts'
import type { Inserted } from '../../store/store.ts'
import type { Reader } from '../reader.ts'
import type { Tables } from '../tables/tables.ts'
import type { Eviction } from './eviction.ts'
import type { WriteRequest } from './protocol.ts'

export type InsertParts = {
  readonly tables: Pick<Tables, 'sessions' | 'tombstones' | 'events'>
  readonly reader: Pick<Reader, 'find' | 'findRow'>
  readonly eviction: Eviction
}

/** Inserts a session whose id is free, and ends the sessions that make room for it. */
export function createInsert({ tables, reader, eviction }: InsertParts) {
  const { sessions, tombstones, events } = tables

  return function insert({ session, seenAt, isImport }: WriteRequest<'insert'>): Inserted {
    const { id, createdAt } = session
    const sub = findSub(session.claims)
    const evicted = eviction.choose(session, sub, createdAt)
    if (!sessions.tryInsert(session, sub)) {
      if (reader.find(id, createdAt, seenAt).state !== 'absent') {
        return { inserted: false, evicted: [] }
      }
      // The id is free: its last session has ended and is forgotten, only the sweep is still to come.
      const last = reader.findRow(id)
      if (last !== undefined) {
        const { reason, endedAt } = expireSession(last)
        events.ended(id, last, reason, endedAt)
      }
      sessions.delete(id)
      tombstones.delete(id)
      if (!sessions.tryInsert(session, sub)) {
        throw new CoatcheckError('internal', 'Cannot create the session: its row was not inserted')
      }
    }
    if (isImport !== true) events.created(session, sub)
    eviction.evict(evicted, createdAt)
    return { inserted: true, evicted }
  }
}
