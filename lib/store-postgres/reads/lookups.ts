/** Rows by their ids. What is asked in one turn of the event loop travels together. What is found is noted. */
import type { Connection } from '../connection/connection.ts'
import { readFailure } from '../connection/failures.ts'
import type { KnownRows } from '../tables/known-rows.ts'
import { parseRow, type Row } from '../tables/rows.ts'
import { FIND } from '../tables/statements.ts'
import type { Reads } from './reads.ts'

export type Lookups = { find(id: string): Promise<Row | undefined> }

type Asked = { resolve(row: Row | undefined): void; reject(error: unknown): void }

const MOST_IDS = 500

/** At most one batch for each reader is under way; whoever comes meanwhile travels with the next one. */
export function createLookups(
  reads: Pick<Reads, 'ask'>,
  readers: readonly Connection[],
  known: Pick<KnownRows, 'note'>,
): Lookups {
  let wanted = new Map<string, Asked[]>()
  let isScheduled = false
  let underWay = 0

  function schedule(): void {
    if (isScheduled || wanted.size === 0 || underWay >= readers.length) return
    isScheduled = true
    setImmediate(() => {
      isScheduled = false
      void send()
    })
  }

  async function send(): Promise<void> {
    if (wanted.size === 0) return
    const batch = wanted
    wanted = new Map()
    if (batch.size > MOST_IDS) {
      for (const [id, asked] of [...batch].slice(MOST_IDS)) {
        batch.delete(id)
        wanted.set(id, asked)
      }
    }
    underWay++
    try {
      const { rows, server } = await reads.ask(FIND, [[...batch.keys()]])
      for (const fields of rows) {
        const row = parseRow(fields)
        known.note(row, server)
        for (const { resolve } of batch.get(row.session.id) ?? []) resolve(row)
        batch.delete(row.session.id)
      }
      for (const asked of batch.values()) for (const { resolve } of asked) resolve(undefined)
    } catch (error) {
      for (const asked of batch.values()) for (const { reject } of asked) reject(readFailure(error))
    } finally {
      underWay--
      schedule()
    }
  }

  return {
    find: (id) =>
      new Promise((resolve, reject) => {
        const asked = wanted.get(id)
        if (asked === undefined) wanted.set(id, [{ resolve, reject }])
        else asked.push({ resolve, reject })
        schedule()
      }),
  }
}
