/**
 * The sessions that are kept in memory, on both sides: hot sessions, which the main thread serves reads
 * from, and written sessions, which spare the writer a read before it writes. Both are bounded, and any
 * session in them may be forgotten at any time.
 */
import type Database from 'better-sqlite3'
import { createRecent } from '../base/recent.ts'
import { isLive, type Session } from '../session/session.ts'

/**
 * The sessions used lately, as they were last acknowledged; a read of one needs no SQLite. That is
 * correct because only this store's writer changes them in the file; a command that does so says it
 * there, and waits until the server has dropped all hot sessions.
 *
 * Two rules keep readers from going back in time while acknowledgements are on their way from the
 * writer: only a read adds a session, and an acknowledged version replaces an older one, never a newer.
 */
export type HotSessions = {
  get(id: string): Session | undefined
  /** As just read from the file. */
  add(session: Session): void
  /** As just acknowledged by the writer for a write to `id`. */
  update(id: string, session: Session): void
  /**
   * Records activity, in the file already or not. Returns the session, which is changed in place: a
   * copy is what a read of a hot session would spend most on.
   */
  touch(id: string, seenAt: number): Session | undefined
  remove(...ids: readonly string[]): void
  removeExpired(now: number): void
  /** How many there are. */
  count(): number
  clear(): void
}

/**
 * The sessions written lately, as their rows have them: whatever was written is likely to be written
 * again, and to read a row costs nearly as much as to change it. That is correct because the writer
 * changes rows through its table alone, which keeps this in step, and because all of it is dropped when
 * another connection has committed or a transaction has failed.
 */
export type WrittenSessions = {
  /** To be called as each transaction begins, before anything is read in it. */
  begin(): void
  get(id: string): Session | undefined
  /** As it has just been written. */
  set(session: Session): void
  delete(id: string): void
  clear(): void
}

/** In characters, each of one or two bytes; of each of two generations. */
const HOT_LIMIT_CHARACTERS = 16 * 1024 * 1024
const WRITTEN_LIMIT_CHARACTERS = 4 * 1024 * 1024

type HotSession = Omit<Session, 'lastSeenAt'> & { lastSeenAt: number }

export function createHotSessions(limitCharacters = HOT_LIMIT_CHARACTERS): HotSessions {
  const recent = createRecentSessions<HotSession>(limitCharacters)

  return {
    get: recent.get,
    add: recent.set,
    // control: hot-updated
    update(id, session) {
      const known = recent.get(id)
      if (known === undefined || known.version > session.version) return
      if (known.version === session.version) {
        // A write that left it as it was.
        known.lastSeenAt = Math.max(session.lastSeenAt, known.lastSeenAt)
        return
      }
      const lastSeenAt = Math.max(session.lastSeenAt, known.lastSeenAt)
      // Keeps the strings that V8 has interned: the maps of touches and of proven secrets look them up.
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
    count: recent.count,
    remove(...ids) {
      for (const id of ids) recent.delete(id)
    },
    removeExpired(now) {
      for (const session of recent.all()) if (!isLive(session, now)) recent.delete(session.id)
    },
  }
}

export function createWrittenSessions(database: Database.Database): WrittenSessions {
  const recent = createRecentSessions<Session>(WRITTEN_LIMIT_CHARACTERS)
  /** Changes whenever another connection commits: a command, or the `sqlite3` shell. */
  const dataVersion = database.prepare<[], number>('pragma data_version').pluck()
  let seenVersion: number | undefined

  return {
    begin() {
      const version = dataVersion.get()
      // control: others-writes-seen
      if (version !== seenVersion) recent.clear()
      seenVersion = version
    },
    get: recent.get,
    set: recent.set,
    delete: recent.delete,
    clear: recent.clear,
  }
}

type RecentSessions<S extends Session> = {
  get(id: string): S | undefined
  set(session: S): void
  delete(id: string): void
  clear(): void
  count(): number
  /** In no particular order. */
  all(): Iterable<S>
}

function createRecentSessions<S extends Session>(limitCharacters: number): RecentSessions<S> {
  const recent = createRecent<number, S>(limitCharacters, sizeInMemory)

  return {
    get(id) {
      const session = recent.get(keyOf(id))
      return session?.id === id ? session : undefined
    },
    set: (session) => recent.set(keyOf(session.id), session),
    delete: (id) => recent.delete(keyOf(id)),
    clear: recent.clear,
    count: recent.count,
    all: recent.values,
  }
}

/**
 * The key of an id in the maps: a number, because V8 must intern a string that has just arrived in a
 * request before it can look it up, and that takes longer. Of two ids with one key, one is kept.
 */
function keyOf(id: string): number {
  let key = 0
  for (let at = 0; at < id.length; at++) key = (Math.imul(key, 31) + id.charCodeAt(at)) | 0
  return key
}

/** About what a session takes beside its data and claims, in characters. */
const RECORD_CHARACTERS = 500

function sizeInMemory(session: Session): number {
  return RECORD_CHARACTERS + session.data.length + session.claims.length
}
