import { isLive, type Session, touchSession } from '../session/session.ts'

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
  /** As just acknowledged by the writer. */
  update(session: Session): void
  /** Activity that the writer has acknowledged. */
  touch(id: string, seenAt: number): void
  remove(...ids: readonly string[]): void
  removeExpired(now: number): void
  clear(): void
}

/** Two generations: when the young one is full it becomes the old one, and the old one is dropped. */
export function createHotSessions(limitCharacters: number): HotSessions {
  let young = new Map<string, Session>()
  let old = new Map<string, Session>()
  let youngCharacters = 0

  function get(id: string): Session | undefined {
    const hot = young.get(id)
    if (hot !== undefined) return hot
    const aging = old.get(id)
    if (aging !== undefined) add(aging)
    return aging
  }

  function add(session: Session): void {
    young.set(session.id, session)
    youngCharacters += sizeOf(session)
    if (youngCharacters <= limitCharacters) return
    old = young
    young = new Map()
    youngCharacters = 0
  }

  return {
    get,
    add,
    update(session) {
      const known = get(session.id)
      if (known !== undefined && known.version < session.version) add(session)
    },
    touch(id, seenAt) {
      const known = get(id)
      if (known !== undefined) young.set(id, touchSession(known, seenAt))
    },
    clear() {
      young = new Map()
      old = new Map()
      youngCharacters = 0
    },
    remove(...ids) {
      for (const id of ids) {
        young.delete(id)
        old.delete(id)
      }
    },
    removeExpired(now) {
      for (const generation of [young, old]) {
        for (const [id, session] of generation) if (!isLive(session, now)) generation.delete(id)
      }
    },
  }
}

/** What a session holds beside its data is about this much. */
const RECORD_CHARACTERS = 500

function sizeOf(session: Session): number {
  return RECORD_CHARACTERS + session.data.length + session.claims.length
}
