/**
 * Rows as the database had them a moment ago. Nothing is concluded from one: a write may begin with it, and
 * is guarded by its version, as every write is; it saves the reading of what the request has just found.
 */
import { createRecent } from '../../base/recent.ts'
import type { Row } from './rows.ts'

export type KnownRows = {
  /** `server`: which start of which server had it; undefined where that is not known. */
  note(row: Row, server: string | undefined): void
  /** Undefined where another server had it: after a fail-over a version may be another's. */
  find(id: string, server: string | undefined): Row | undefined
  /** Forgets all but what was noted or found since it was last called. */
  age(): void
  /** Where the server may have lost what it had. */
  clear(): void
}

type Known = { readonly row: Row; readonly server: string }

/** Between one and two times as much is held where sessions are large and many. */
const MOST_CHARACTERS = 8 * 1024 * 1024
/** About what a row takes besides its texts. */
const ROW_CHARACTERS = 500

export function createKnownRows(): KnownRows {
  const known = createRecent<string, Known>(MOST_CHARACTERS, sizeOf)

  return {
    note(row, server) {
      const { id } = row.session
      // A new one has no number yet.
      if (server === undefined || row.ended !== undefined || row.number === 0) return
      if (!isOlder(row, server, known.get(id))) known.set(id, { row, server })
    },

    find(id, server) {
      const found = known.get(id)
      // control: known-on-one-server
      if (found?.server !== server) return undefined
      return found?.row
    },

    age: known.age,
    clear: known.clear,
  }
}

/** A read's answer can come after that to a write which was asked later. */
function isOlder({ number, session }: Row, server: string, known: Known | undefined): boolean {
  return (
    known?.server === server &&
    known.row.number === number &&
    known.row.session.version > session.version
  )
}

function sizeOf({ row: { session } }: Known): number {
  return ROW_CHARACTERS + session.data.length + session.claims.length
}
