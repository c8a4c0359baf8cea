/** Chance from a seed: the same seed, the same run. */
export type Random = {
  /** A whole number of 0 to `limit` - 1. */
  below(limit: number): number
  pick<T>(from: readonly T[]): T
  /** True once in `n` times. */
  oneIn(n: number): boolean
  bytes(length: number): Buffer
  /** Another source, that goes its own way from here: for each of many that run side by side. */
  fork(): Random
}

/** By the generator mulberry32 (Tommy Ettinger): 32 bits of state, good enough for dice. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0

  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }

  const below = (limit: number): number => Math.floor((next() / 2 ** 32) * limit)
  return {
    below,
    pick(from) {
      const picked = from[below(from.length)]
      if (picked === undefined) throw new Error('Cannot pick from nothing')
      return picked
    },
    oneIn: (n) => below(n) === 0,
    bytes: (length) => Buffer.from(Array.from({ length }, () => below(256))),
    fork: () => createRandom(next()),
  }
}
