import type Database from 'better-sqlite3'
import type { Session } from '../../session/session.ts'
import { createRecentSessions } from '../recent-sessions.ts'

/**
 * The sessions written lately, as their rows have them: what has been written is likely to be written
 * again, and to read a row costs nearly as much as to change it. Right because all that the writer
 * does to a row goes through its table, which keeps this in step, and because what was remembered is
 * dropped when another connection has committed or a transaction has failed.
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

/** What is remembered takes at most about twice as many bytes. */
const LIMIT_CHARACTERS = 4 * 1024 * 1024

export function createWrittenSessions(database: Database.Database): WrittenSessions {
  const recent = createRecentSessions<Session>(LIMIT_CHARACTERS)
  /** Another number once another connection has committed: a command's, or the `sqlite3` shell's. */
  const dataVersion = database.prepare<[], number>('pragma data_version').pluck()
  let seenVersion: number | undefined

  return {
    begin() {
      const version = dataVersion.get()
      if (version !== seenVersion) recent.clear()
      seenVersion = version
    },
    get: recent.get,
    set: recent.set,
    delete: recent.delete,
    clear: recent.clear,
  }
}
