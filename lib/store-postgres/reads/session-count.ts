/**
 * How many sessions the database has, for the numbers of a process that sees its own changes alone: counted
 * at the start and now and then. Ten million take half a minute, for which nobody waits.
 */
import { unlessUnderWay } from '../../base/unless-under-way.ts'
import { ESTIMATE } from '../tables/statements.ts'
import type { Lists } from './lists.ts'
import type { Reads } from './reads.ts'

export type SessionCount = {
  /**
   * Resolves once there is a figure: the true one where they are few, else the database's own estimate
   * until all are counted.
   */
  begin(): Promise<void>
  /** Counts anew, unless the last time took a good part of the time since. */
  again(): Promise<void>
}

type SessionCountOptions = {
  readonly lists: Pick<Lists, 'count' | 'countPiece'>
  readonly reads: Pick<Reads, 'ask'>
  readonly now: () => number
  readonly elapsedMs: () => number
  readonly set: (count: number) => void
}

/** Each Coatcheck counts for itself, and the database does the work of them all. */
const MOST_SHARE_OF_TIME = 0.01

const EVERYBODY = { app: undefined, sub: undefined }

export function createSessionCount(options: SessionCountOptions): SessionCount {
  const { lists, reads, now, elapsedMs, set } = options
  let endedAt = -Infinity
  let tookMs = 0

  const count = unlessUnderWay(async () => {
    const startedAt = elapsedMs()
    set((await lists.count(EVERYBODY, now())).all)
    endedAt = elapsedMs()
    tookMs = endedAt - startedAt
  })

  return {
    async begin() {
      const first = await lists.countPiece(EVERYBODY, now(), 0)
      if (first.next === undefined) return set(first.all)
      const { rows } = await reads.ask(ESTIMATE, [])
      set(Math.max(first.all, Number(rows[0]?.[0])))
      void count().catch(() => {})
    },

    async again() {
      if (tookMs > MOST_SHARE_OF_TIME * (elapsedMs() - endedAt)) return
      await count()
    },
  }
}
