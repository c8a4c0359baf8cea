import { createRecent } from '../base/recent.ts'
import type { Session } from '../session/session.ts'

/** Sessions used lately, by id, in a bounded memory: any may be forgotten at any time. */
export type RecentSessions<S extends Session> = {
  get(id: string): S | undefined
  set(session: S): void
  delete(id: string): void
  clear(): void
  /** In no order that means anything. */
  all(): Iterable<S>
}

/** What a session holds beside its data is about this much. */
const RECORD_CHARACTERS = 500

/** `limitCharacters`: of each of two generations. A character takes one or two bytes. */
export function createRecentSessions<S extends Session>(
  limitCharacters: number,
): RecentSessions<S> {
  const recent = createRecent<number, S>(limitCharacters, sizeInMemory)

  return {
    get(id) {
      const session = recent.get(numberOf(id))
      return session?.id === id ? session : undefined
    },
    set: (session) => recent.set(numberOf(session.id), session),
    delete: (id) => recent.delete(numberOf(id)),
    clear: recent.clear,
    all: recent.values,
  }
}

/**
 * What the maps know an id by. A text that has just come in a request V8 looks up in its table of all
 * texts first, before it looks into a map, and that takes longer. Of two ids with one number at most
 * one is remembered.
 */
function numberOf(id: string): number {
  let number = 0
  for (let at = 0; at < id.length; at++) number = (Math.imul(number, 31) + id.charCodeAt(at)) | 0
  return number
}

/** In characters, about. */
function sizeInMemory(session: Session): number {
  return RECORD_CHARACTERS + session.data.length + session.claims.length
}
