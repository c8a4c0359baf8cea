/** Tells a damaged place, which a few writes come upon, from a file in which nothing can be written. */
import type { WriteOutcome, WriteRequest } from './writer/protocol.ts'

export type DamageWatch = {
  /** Takes note of what became of the requests. */
  note(requests: readonly WriteRequest[], outcomes: readonly WriteOutcome[]): void
  /** To be called about once a second: whether for some seconds all that was written was refused. */
  isLasting(): boolean
}

/** So many writes in a row, over so many looks. */
const LEAST_REFUSED = 10
const LEAST_LOOKS = 3

export function createDamageWatch(): DamageWatch {
  let refused = 0
  let looks = 0

  return {
    note(requests, outcomes) {
      for (const [index, outcome] of outcomes.entries()) {
        if (outcome.ok) {
          // What the server writes on its own tells nothing of the others.
          const kind = requests[index]?.kind
          if (kind === 'touch' || kind === 'see_outside') continue
          refused = 0
          looks = 0
        } else if (outcome.refusal.code === 'storage_damaged') {
          refused++
        }
      }
    },
    isLasting() {
      if (refused > 0) looks++
      return refused >= LEAST_REFUSED && looks >= LEAST_LOOKS
    },
  }
}
