/** A histogram with fixed bounds, kept in a part of an array that threads can share. */
export type Histogram = {
  /** The upper bounds of the buckets, ascending. */
  readonly bounds: readonly number[]
  /** How many values are in each bucket; the last one has no bound. */
  readonly counts: readonly number[]
  readonly sum: number
}

/** Bounds for how many were done together. */
export const BATCH_BOUNDS: readonly number[] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]

/** Bounds for seconds that a disk or a database takes. */
export const SECONDS_BOUNDS: readonly number[] = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
]

/** A histogram without values. */
export function emptyHistogram(bounds: readonly number[] = []): Histogram {
  return { bounds, counts: [...bounds, 0].fill(0), sum: 0 }
}

/** The numbers that a histogram takes in an array: a count for each bucket, and the sum. */
export function sizeOfHistogram(bounds: readonly number[]): number {
  return bounds.length + 2
}

/** Adds a value to the histogram that begins at `at`. */
export function observe(
  numbers: Float64Array,
  at: number,
  bounds: readonly number[],
  value: number,
): void {
  let bucket = 0
  while (bucket < bounds.length && value > (bounds[bucket] ?? 0)) bucket++
  numbers[at + bucket]! += 1
  numbers[at + bounds.length + 1]! += value
}

export function readHistogram(
  numbers: Float64Array,
  at: number,
  bounds: readonly number[],
): Histogram {
  const sumAt = at + bounds.length + 1
  return { bounds, counts: [...numbers.subarray(at, sumAt)], sum: numbers[sumAt] ?? 0 }
}

/** What was observed since: of the same histogram, `before` read earlier. */
export function withoutHistogram(now: Histogram, before: Histogram): Histogram {
  const counts = now.counts.map((count, at) => count - (before.counts[at] ?? 0))
  return { bounds: now.bounds, counts, sum: now.sum - before.sum }
}

/**
 * About the value that this part of all is at or below, as if values lay evenly in their bucket; of the
 * last bucket its lower bound. Undefined where there are none.
 */
export function quantileOf({ bounds, counts }: Histogram, part: number): number | undefined {
  const total = counts.reduce((sum, count) => sum + count, 0)
  if (total === 0) return undefined
  let left = total * part
  let lower = 0
  for (const [at, count] of counts.entries()) {
    const upper = bounds[at] ?? lower
    if (left <= count) return lower + (upper - lower) * (count === 0 ? 0 : left / count)
    left -= count
    lower = upper
  }
  return lower
}
