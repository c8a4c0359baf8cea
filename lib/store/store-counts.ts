import type { Histogram } from '../base/histogram.ts'
import type { ActiveCount } from '../session/recent-activity.ts'
import type { EndReason } from '../session/session.ts'

/** The time for which the metrics say who was active. */
export const ACTIVE_METRIC_MS = 300_000

/**
 * What a store has done since it was opened, and how it stands; for metrics. Times are seconds. Sessions
 * with a reserved id are not counted.
 */
export type StoreCounts = {
  /** Sessions in the storage; one that has expired counts until it is swept. */
  readonly sessions: number
  readonly created: number
  readonly changed: number
  /** Activity that was written: one for a session and second, however often it was read. */
  readonly touched: number
  readonly ended: Readonly<Record<EndReason, number>>
  /** Tombstones that were removed. */
  readonly forgotten: number
  /**
   * Events that were written, and those that are kept; `oldestAt`: when the oldest of these happened, in
   * milliseconds since the Unix epoch, undefined for none. Zeros where none are kept.
   */
  readonly events: {
    readonly written: number
    readonly kept: number
    readonly oldestAt: number | undefined
  }
  /**
   * About how many were active within the last `ACTIVE_METRIC_MS`, in all apps: through this server, or
   * through all on the storage where it knows of them. Counted when it is read.
   */
  readonly active: ActiveCount
  /** Reads of a session that was at hand, and of one that storage was asked for. */
  readonly lookups: { readonly hit: number; readonly miss: number }
  /** Writes that wait, and how many may. */
  readonly queue: { readonly length: number; readonly limit: number }
  /** Writes that were committed together. */
  readonly batches: Histogram
  readonly commits: Histogram
  /** The storage's own work and sizes, with their units in their names; which ones, the store defines. */
  readonly work: Readonly<Record<string, Histogram>>
  readonly figures: Readonly<Record<string, number>>
}
