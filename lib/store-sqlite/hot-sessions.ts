import { isLive, type Session } from '../session/session.ts'
import { createRecentSessions } from './recent-sessions.ts'

/**
 * The sessions used lately, as they were last acknowledged; a read of one costs no SQLite. Right
 * because nobody but this store's writer changes them in the file: a command that does says so there,
 * and waits until all that is hot has been dropped. Two rules keep readers from going
 * back in time while acknowledgements are on their way from the writer: a session enters by a read
 * alone, and what the writer acknowledges replaces an older version, never a newer one.
 */
export type HotSessions = {
  get(id: string): Session | undefined
  /** As just read from the file. */
  add(session: Session): void
  /** As just acknowledged by the writer to a write that named it by `id`. */
  update(id: string, session: Session): void
  /**
   * Activity, written or not: what is hot shows all that there was. Answers the session, in which it
   * is recorded without a copy, for that is what a read costs most often.
   */
  touch(id: string, seenAt: number): Session | undefined
  remove(...ids: readonly string[]): void
  removeExpired(now: number): void
  clear(): void
}

type HotSession = Omit<Session, 'lastSeenAt'> & { lastSeenAt: number }

export function createHotSessions(limitCharacters: number): HotSessions {
  const recent = createRecentSessions<HotSession>(limitCharacters)

  return {
    get: recent.get,
    add: recent.set,
    update(id, session) {
      const known = recent.get(id)
      if (known === undefined || known.version >= session.version) return
      const lastSeenAt = Math.max(session.lastSeenAt, known.lastSeenAt)
      // The maps of touches and of proven secrets are asked for these strings, and V8 has found those
      // of before in its table already.
      const isSameSecret = session.secretHash === known.secretHash
      const secretHash = isSameSecret ? known.secretHash : session.secretHash
      recent.set({ ...session, id, secretHash, lastSeenAt })
    },
    touch(id, seenAt) {
      const known = recent.get(id)
      if (known !== undefined && seenAt > known.lastSeenAt) known.lastSeenAt = seenAt
      return known
    },
    clear: recent.clear,
    remove(...ids) {
      for (const id of ids) recent.delete(id)
    },
    removeExpired(now) {
      for (const session of recent.all()) if (!isLive(session, now)) recent.delete(session.id)
    },
  }
}
