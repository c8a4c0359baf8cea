/**
 * Long work, such as a sweep, is done in slices: each is one transaction, made of small pieces. While
 * nobody waits, slices grow, because each costs a sync of the disk. As soon as somebody waits, the slice
 * ends with its current piece, and the next ones are one piece long.
 */
export type Slices = {
  /** Runs one slice: `work` does a piece, and the next one while `goesOn` returns true. */
  run<T>(work: (goesOn: GoesOn) => T): T
  /** Notes that others have used the writer just now. */
  noteOthers(): void
}

export type SlicesOptions = {
  /** Whether somebody waits for this slice to end. */
  readonly isAwaited: () => boolean
  /** The longest slice, with its sync: the wait of the first who comes after a quiet time. */
  readonly targetMs: number
  /** A monotonic clock. */
  readonly now?: () => number
}

/**
 * Sessions in a piece. To end them takes a few milliseconds at most, even when a million sessions are
 * spread over the file.
 */
export const PIECE = 50

/**
 * How long nobody must have used the writer before slices grow. A write now and then does not wait
 * longer for that, since the slice ends with its current piece.
 */
const QUIET_MS = 100

/** Bounds the WAL and the memory that one transaction takes. */
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
    // control: slice-yields
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
