/** What the writer counts, in an array that it shares with the main thread: a scrape sends no message. */
import {
  BATCH_BOUNDS,
  type Histogram,
  observe,
  readHistogram,
  SECONDS_BOUNDS,
  sizeOfHistogram,
} from '../base/histogram.ts'
import { isReservedId } from '../session/reserved-id.ts'
import { END_REASONS, type EndReason } from '../session/session.ts'

const NUMBERS = [
  'sessions',
  'created',
  'changed',
  'touched',
  'forgotten',
  'events',
  'databaseBytes',
  'freeBytes',
] as const
const ENDED_AT = NUMBERS.length
const BATCHES_AT = ENDED_AT + END_REASONS.length
const COMMITS_AT = BATCHES_AT + sizeOfHistogram(BATCH_BOUNDS)
const CHECKPOINTS_AT = COMMITS_AT + sizeOfHistogram(SECONDS_BOUNDS)
const SIZE = CHECKPOINTS_AT + sizeOfHistogram(SECONDS_BOUNDS)

type NumberName = (typeof NUMBERS)[number]

/** Memory for the counts, which threads can share. */
export function makeCountsMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(SIZE * Float64Array.BYTES_PER_ELEMENT)
}

export type WriteCounts = {
  /** Counts within the transaction under way: it counts once that is committed. */
  add(name: NumberName, count?: number): void
  /** As `add`, of something that was done to a session; nothing for one whose id is reserved. */
  addFor(id: string, name: NumberName, count?: number): void
  addEnded(id: string, reason: EndReason): void
  /** As a transaction begins: what one before has counted in vain is forgotten. */
  begin(): void
  committed(seconds: number): void
  /** Sets a number that is measured. */
  set(name: NumberName, value: number): void
  batch(size: number): void
  checkpointed(seconds: number): void
}

export function createWriteCounts(memory: SharedArrayBuffer): WriteCounts {
  const counts = new Float64Array(memory)
  const pending = new Float64Array(BATCHES_AT)
  const addTo = (at: number, count: number) => void (pending[at]! += count)

  return {
    add: (name, count = 1) => addTo(NUMBERS.indexOf(name), count),
    addFor(id, name, count = 1) {
      if (!isReservedId(id)) addTo(NUMBERS.indexOf(name), count)
    },
    addEnded(id, reason) {
      if (!isReservedId(id)) addTo(ENDED_AT + END_REASONS.indexOf(reason), 1)
    },
    begin() {
      // control: counts-begin
      pending.fill(0)
    },
    committed(seconds) {
      for (let at = 0; at < pending.length; at++) counts[at]! += pending[at] ?? 0
      observe(counts, COMMITS_AT, SECONDS_BOUNDS, seconds)
    },
    set: (name, value) => void (counts[NUMBERS.indexOf(name)] = value),
    batch: (size) => observe(counts, BATCHES_AT, BATCH_BOUNDS, size),
    checkpointed: (seconds) => observe(counts, CHECKPOINTS_AT, SECONDS_BOUNDS, seconds),
  }
}

export type ReadCounts = Readonly<Record<NumberName, number>> & {
  readonly ended: Readonly<Record<EndReason, number>>
  readonly batches: Histogram
  readonly commits: Histogram
  readonly checkpoints: Histogram
}

export function readCounts(memory: SharedArrayBuffer): ReadCounts {
  const counts = new Float64Array(memory)
  const numbers = Object.fromEntries(NUMBERS.map((name, at) => [name, counts[at] ?? 0]))
  const ended = END_REASONS.map((reason, at) => [reason, counts[ENDED_AT + at] ?? 0])
  return {
    ...(numbers as Record<NumberName, number>),
    ended: Object.fromEntries(ended) as Record<EndReason, number>,
    batches: readHistogram(counts, BATCHES_AT, BATCH_BOUNDS),
    commits: readHistogram(counts, COMMITS_AT, SECONDS_BOUNDS),
    checkpoints: readHistogram(counts, CHECKPOINTS_AT, SECONDS_BOUNDS),
  }
}
