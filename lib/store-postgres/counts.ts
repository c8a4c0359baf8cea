/** What this process has done and seen; of what others do on the same database it knows only how many sessions there are. */
import {
  BATCH_BOUNDS,
  observe,
  readHistogram,
  SECONDS_BOUNDS,
  sizeOfHistogram,
} from '../base/histogram.ts'
import { END_REASONS, type EndReason } from '../session/session.ts'
import type { StoreCounts } from '../store/store-counts.ts'
import { isReservedId } from '../session/reserved-id.ts'
import type { Write } from './writes/stage.ts'
import { idOf, type Outcome } from './writes/guarded.ts'

export type Counts = {
  outcome(write: Write, outcome: Outcome): void
  ended(reason: EndReason, count?: number): void
  touched(count: number): void
  forgotten(count: number): void
  looked(): void
  batch(size: number): void
  committed(seconds: number): void
  /** How many sessions the database has. */
  setSessions(count: number): void
  read(): Omit<StoreCounts, 'queue' | 'work' | 'figures' | 'active' | 'events'>
}

export function createCounts(): Counts {
  const done = { sessions: 0, created: 0, changed: 0, touched: 0, forgotten: 0 }
  const ended = Object.fromEntries(END_REASONS.map((reason) => [reason, 0])) as Record<
    EndReason,
    number
  >
  const batches = new Float64Array(sizeOfHistogram(BATCH_BOUNDS))
  const commits = new Float64Array(sizeOfHistogram(SECONDS_BOUNDS))
  let misses = 0

  function addEnded(reason: EndReason, count = 1): void {
    ended[reason] += count
    done.sessions -= count
  }

  return {
    outcome(write, outcome) {
      if ('error' in outcome || isReservedId(idOf(write))) return
      const { answer } = outcome
      if ('evicted' in answer) addEnded('evicted', answer.evicted?.length ?? 0)
      if ('inserted' in answer) {
        if (!answer.inserted) return
        done.created++
        done.sessions++
      } else if (answer.state === 'live') {
        if (write.kind === 'end') addEnded(write.reason)
        if (write.kind !== 'change' || outcome.isUnchanged) return
        done.changed++
        // It goes on under another id.
        if (answer.session.id !== write.id) ended.renewed++
      }
    },
    ended: addEnded,
    touched: (count) => void (done.touched += count),
    forgotten: (count) => void (done.forgotten += count),
    looked: () => void misses++,
    batch: (size) => observe(batches, 0, BATCH_BOUNDS, size),
    committed: (seconds) => observe(commits, 0, SECONDS_BOUNDS, seconds),
    setSessions: (count) => void (done.sessions = count),
    read: () => ({
      ...done,
      ended: { ...ended },
      lookups: { hit: 0, miss: misses },
      batches: readHistogram(batches, 0, BATCH_BOUNDS),
      commits: readHistogram(commits, 0, SECONDS_BOUNDS),
    }),
  }
}
