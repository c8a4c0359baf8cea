import type { SessionTable } from '../tables/session-table.ts'
import type { WriteRequest } from './protocol.ts'

/**
 * Writes activity. A damaged session is skipped from its first failure on, so that it cannot keep the
 * activity of all others from being written; until its row, and the damage with it, is gone.
 */
export type Touching = {
  touch(request: WriteRequest<'touch'>): undefined
  /** Skips, from now on, the session on which `touch` has just failed. */
  skipFailed(): void
  /** Notes that a row was inserted or deleted in this transaction. */
  noteRemade(id: string): void
  begin(): void
  /** Only now: a transaction that was undone is run again, and would meet the damage once more. */
  commit(): void
}

export function createTouching(touchRow: SessionTable['touch']): Touching {
  const skipped = new Set<string>()
  /** Those of the skipped whose row was inserted or deleted in this transaction. */
  let remade: string[] = []
  let touching = ''

  return {
    touch({ seen }) {
      for (const [id, seenAt] of seen) {
        if (skipped.has(id)) continue
        touching = id
        touchRow(id, seenAt)
      }
    },
    skipFailed: () => void skipped.add(touching),
    noteRemade(id) {
      if (skipped.size > 0) remade.push(id)
    },
    begin() {
      remade = []
    },
    commit() {
      for (const id of remade) skipped.delete(id)
    },
  }
}
