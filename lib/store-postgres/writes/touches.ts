/** Activity, gathered in memory and written once a second; at once where a session is near its end. */
import type { Connection } from '../connection/connection.ts'
import { writeFailure } from '../connection/failures.ts'
import { askRepeatedly } from '../connection/repeatedly.ts'
import { TOUCH } from '../tables/statements.ts'

export type Touches = {
  add(id: string, seenAt: number): void
  /** Activity of this session that the database may not know of yet, 0 for none. */
  seenAt(id: string): number
  /** Resolves once what was added before is written; rejects where it could not be, and then keeps it. */
  flush(): Promise<void>
}

const MOST_ROWS = 1_000

export function createTouches(
  connection: Pick<Connection, 'ask'>,
  onWritten: (count: number) => void,
): Touches {
  let gathered = new Map<string, number>()
  /** Sent, and not answered yet. */
  const sent = new Set<ReadonlyMap<string, number>>()
  let flushed: Promise<void> = Promise.resolve()

  async function write(batch: ReadonlyMap<string, number>): Promise<void> {
    // In the order of the ids, as all statements over many sessions.
    const seen = [...batch].toSorted(([a], [b]) => (a < b ? -1 : 1))
    try {
      for (let from = 0; from < seen.length; from += MOST_ROWS) {
        const part = seen.slice(from, from + MOST_ROWS)
        const columns = [part.map(([id]) => id), part.map(([, at]) => at)]
        await askRepeatedly(connection, TOUCH, columns)
      }
      onWritten(seen.length)
    } catch (error) {
      for (const [id, at] of seen) add(id, at)
      throw writeFailure(error)
    } finally {
      sent.delete(batch)
    }
  }

  function add(id: string, seenAt: number): void {
    gathered.set(id, Math.max(seenAt, gathered.get(id) ?? 0))
  }

  return {
    add,

    seenAt(id) {
      let latest = gathered.get(id) ?? 0
      for (const batch of sent) latest = Math.max(latest, batch.get(id) ?? 0)
      return latest
    },

    flush() {
      if (gathered.size === 0) return flushed
      const batch = gathered
      gathered = new Map()
      sent.add(batch)
      const before = flushed.catch(() => {})
      flushed = before.then(() => write(batch))
      // Whoever waits sees the failure; nobody may.
      flushed.catch(() => {})
      return flushed
    },
  }
}
