/**
 * Reads, from a server that has just been seen to take writes: one that was replaced and does not know it
 * would show sessions that have ended elsewhere.
 */
import { CoatcheckError } from '../../base/errors.ts'
import type { Connection, Rows, Statement } from '../connection/connection.ts'
import { readFailure, StatementError } from '../connection/failures.ts'
import type { Heartbeat } from './heartbeat.ts'

export type Reads = {
  /** Rejects with `storage_failed` where no server answers that is known to take writes. */
  ask(statement: Statement, values: readonly unknown[]): Promise<Rows>
}

export function createReads(readers: readonly Connection[], heartbeat: Heartbeat): Reads {
  /** The one with the least to do. */
  function pick(): Connection | undefined {
    const able = readers.filter((reader) => reader.isUp() && heartbeat.isFresh(reader.server()))
    return able.toSorted((a, b) => a.inFlight() - b.inFlight())[0]
  }

  async function askOnce(statement: Statement, values: readonly unknown[]): Promise<Rows> {
    const reader = pick()
    if (reader === undefined) throw stale()
    const rows = await reader.ask(statement, values)
    // The answer may have come late, or from elsewhere, and others may have written meanwhile.
    if (!heartbeat.isFresh(rows.server)) throw stale()
    return rows
  }

  return {
    async ask(statement, values) {
      try {
        return await askOnce(statement, values)
      } catch (error) {
        if (!(error instanceof StatementError)) throw error
        // A read can be asked again, and the other connection may be whole.
        return await askOnce(statement, values).catch((again: unknown) => {
          throw readFailure(again)
        })
      }
    },
  }
}

function stale(): CoatcheckError {
  return new CoatcheckError(
    'storage_failed',
    'Cannot read: no database that is known to take writes answers',
  )
}
