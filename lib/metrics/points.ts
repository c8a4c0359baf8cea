/**
 * The last five minutes, a point a second: each is the difference of what is counted anyway, so it costs
 * a request nothing.
 */
import type { Clock } from '../base/clock.ts'
import { type Histogram, quantileOf, withoutHistogram } from '../base/histogram.ts'
import type { Store } from '../store/store.ts'
import type { HttpCounts, Traffic } from './http-counts.ts'
import type { Point } from './point.ts'
import type { ProcessReading } from './process-families.ts'

export const KEPT_POINTS = 300
const INTERVAL_MS = 1_000
/** After so many points who was active is counted anew: it takes its time, and changes slowly. */
const ACTIVE_EVERY = 10

export type Points = {
  /** The oldest first. */
  all(): readonly Point[]
  /** Calls `tell` with each new point; the function that it returns stops that. */
  watch(tell: (point: Point) => void): () => void
  stop(): void
}

export type PointsOptions = {
  readonly http: Pick<HttpCounts, 'traffic'>
  readonly store: Pick<Store, 'counts'>
  readonly process: { read(): ProcessReading }
  readonly clock: Clock
}

type Reading = {
  readonly at: number
  readonly traffic: Traffic
  readonly store: ReturnType<Store['counts']>
  readonly process: ProcessReading
}

/** Begins at once, and goes on whether anybody looks or not: who comes sees what was. */
export function startPoints({ http, store, process, clock }: PointsOptions): Points {
  const watchers = new Set<(point: Point) => void>()
  const points: Point[] = []
  let activeUsers = 0
  let age = 0
  let before = read()

  function read(): Reading {
    return {
      at: clock.now(),
      traffic: http.traffic(),
      store: store.counts(),
      process: process.read(),
    }
  }

  const stop = clock.every(INTERVAL_MS, () => {
    const now = read()
    if (age % ACTIVE_EVERY === 0) activeUsers = now.store.active.users
    age++
    const point = pointOf(before, now, activeUsers)
    before = now
    points.push(point)
    if (points.length > KEPT_POINTS) points.shift()
    for (const tell of watchers) tell(point)
  })

  return {
    all: () => points,
    watch(tell) {
      watchers.add(tell)
      return () => void watchers.delete(tell)
    },
    stop,
  }
}

function pointOf(before: Reading, now: Reading, activeUsers: number): Point {
  // A timer may be late; a clock may have been set.
  const seconds = Math.max(0.001, (now.at - before.at) / 1_000)
  const rate = (count: number) => Math.max(0, count / seconds)
  const durations = withoutHistogram(now.traffic.durations, before.traffic.durations)
  const { store, process } = now
  return {
    at: now.at,
    reads: rate(now.traffic.reads - before.traffic.reads),
    writes: rate(now.traffic.writes - before.traffic.writes),
    p50: inMs(quantileOf(durations, 0.5)),
    p99: inMs(quantileOf(durations, 0.99)),
    created: store.created - before.store.created,
    ended: sumOf(store.ended) - sumOf(before.store.ended),
    commit: inMs(meanOf(withoutHistogram(store.commits, before.store.commits))),
    sessions: store.sessions,
    activeUsers,
    queue: store.queue.length,
    walBytes: store.figures['walBytes'] ?? 0,
    databaseBytes: store.figures['databaseBytes'] ?? 0,
    memoryBytes: process.memoryBytes,
    cpu: rate(process.cpuSeconds - before.process.cpuSeconds),
    lag: process.lagSeconds * 1_000,
  }
}

/** A renewal is no end: the session goes on. */
function sumOf(ended: ReturnType<Store['counts']>['ended']): number {
  return Object.values(ended).reduce((sum, count) => sum + count, 0) - ended.renewed
}

function meanOf({ counts, sum }: Histogram): number | undefined {
  const total = counts.reduce((all, count) => all + count, 0)
  return total === 0 ? undefined : sum / total
}

function inMs(seconds: number | undefined): number | null {
  return seconds === undefined ? null : seconds * 1_000
}
