/**
 * Work on very many sessions is done in slices, each one transaction and made of small pieces. While
 * nobody waits the slices grow, for each costs a sync of the disk; as soon as somebody does, a slice
 * ends with the piece at hand, and those after it are of one piece.
 */
export type Slices = {
  /** Runs one slice: `work` does a piece, asks `goesOn`, and goes on with the next while it may. */
  run<T>(work: (goesOn: GoesOn) => T): T
  /** Somebody else has been at work just now. */
  noteOthers(): void
}

export type SlicesOptions = {
  /** Whether somebody waits for the slice at hand to end. */
  readonly isAwaited: () => boolean
  /** How long a slice may take, its sync included: so long waits who comes once after a quiet time. */
  readonly targetMs: number
  /** The time of a clock that nobody sets. */
  readonly now?: () => number
}

/**
 * A slice is a multiple of this many sessions: to end them takes a few milliseconds at most, of a
 * million, of which each is on other pages.
 */
export const PIECE = 50

/**
 * So long there must have been nobody before slices grow. Who comes then waits for a piece all the
 * same, for the slice ends with it: so beside a write now and then they grow in between.
 */
const QUIET_MS = 100

/** Whatever the clock says: what one transaction holds of the WAL, and of memory, has an end. */
const MOST_PIECES = 400

/** Asked after each piece. */
export type GoesOn = () => boolean

/** One piece and no more. */
export const never = (): boolean => false

export function createSlices(options: SlicesOptions): Slices {
  const { isAwaited, targetMs, now = () => performance.now() } = options
  let othersAt = -Infinity
  let most = 1

  function noteOthers(): void {
    othersAt = now()
    most = 1
  }

  function goesOnAfter(pieces: number): boolean {
    if (isAwaited()) noteOthers()
    return pieces < most
  }

  return {
    noteOthers,
    run(work) {
      const began = now()
      let pieces = 0
      const result = work(() => goesOnAfter(++pieces))
      const ended = now()
      if (ended - othersAt < QUIET_MS) return result
      if (ended - began > targetMs) most = Math.max(1, most >> 1)
      else if (ended - began < targetMs / 2) most = Math.min(most * 2, MOST_PIECES)
      return result
    },
  }
}
