/** What a writer does when space runs out: it goes on ending sessions, and refuses what takes more. */
import { CoatcheckError } from '../../base/errors.ts'
import { createDamageWatch } from '../damage-watch.ts'
import { never } from './slices.ts'
import type { SpaceReserve } from './space-reserve.ts'
import type { Wal } from '../wal/wal.ts'
import type { StoreHealth } from '../../store/store.ts'
import type { WriteOutcome, WriteRequest } from './protocol.ts'
import { refusalOf, type Writer } from './writer.ts'

type ServerWriter = Pick<Writer, 'run' | 'sweepSlice'>

export type SparingWriter = ServerWriter & {
  /** Looks how much space there is; to be called about once a second. */
  check(): StoreHealth
}

export type Space = {
  readonly reserve: SpaceReserve
  readonly wal: Wal
  /** Within the data file, to be used again: what ended sessions have left. */
  readonly freeBytes: () => number
  /** With a longer WAL than this, what makes it longer is refused. */
  readonly walLimitBytes: number
}

/** So much room within the file is as good as a disk that is not full. */
const ROOM_BYTES = 1024 * 1024

/** A WAL that has not been begun anew for so long; or half as long as it may be. */
const LONG_WAL_BYTES = 128 * 1024 * 1024

const NOTHING_SWEPT = { ended: 0, removed: 0, damaged: 0, more: false }

export function createSparingWriter(writer: ServerWriter, space: Space): SparingWriter {
  const { reserve, wal, freeBytes, walLimitBytes } = space
  let isDiskFull = false
  let isWalFull = false
  const damage = createDamageWatch()

  /** What ends sessions or shows that they live takes the space of the reserve, the others none. */
  function runSparingly(requests: readonly WriteRequest[]): WriteOutcome[] {
    const spared = requests.filter(isSpared)
    const outcomes = spared.length > 0 ? writer.run(spared, never) : []
    // Begun anew after each step, the WAL never needs more than it has already.
    if (spared.length > 0) wal.move('restart')
    const refusal = refusalOf(isWalFull ? walTooLong() : diskFull())
    return requests.map((request) => {
      const outcome = isSpared(request) ? outcomes.shift() : undefined
      return outcome ?? { ok: false, refusal }
    })
  }

  /** From here on what is written comes from the reserve. */
  function tapReserve(): void {
    isDiskFull = true
    reserve.release()
    wal.move('restart')
  }

  return {
    run(requests, goesOn) {
      if (isWalFull || isDiskFull) return runSparingly(requests)
      const outcomes = writer.run(requests, goesOn)
      damage.note(requests, outcomes)
      if (!outcomes.some(isFull)) return outcomes
      tapReserve()
      // Of these, nothing was written.
      const again = runSparingly(requests.filter((_, index) => isFull(outcomes[index])))
      return outcomes.map((outcome) => (isFull(outcome) ? (again.shift() ?? outcome) : outcome))
    },

    sweepSlice(now, piece, goesOn) {
      // Nobody waits for a sweep: while the WAL cannot be begun anew, it makes that no longer.
      if (wal.bytes() > walLimitBytes) return NOTHING_SWEPT
      try {
        return writer.sweepSlice(now, piece, isDiskFull ? never : goesOn)
      } catch (error) {
        const isFullDisk = error instanceof CoatcheckError && error.code === 'storage_full'
        if (!isFullDisk || isDiskFull) throw error
        tapReserve()
        // A large slice needs more than there is: from here on they are as small as can be.
        return writer.sweepSlice(now, piece)
      }
    },

    check() {
      const isHeld = reserve.hold()
      if (isDiskFull) isDiskFull = !isHeld && (!wal.move('restart') || freeBytes() < ROOM_BYTES)
      if (isWalFull || wal.bytes() > walLimitBytes) isWalFull = !wal.move('restart')
      return healthOf(wal.bytes())
    },
  }

  function healthOf(walBytes: number): StoreHealth {
    const isDamaged = damage.isLasting()
    const troubles: Readonly<Record<string, boolean>> = {
      damaged: isDamaged,
      disk_full: isDiskFull,
      wal_full: isWalFull,
      wal_long: walBytes > Math.min(LONG_WAL_BYTES, walLimitBytes / 2),
    }
    const reasons = Object.keys(troubles).filter((name) => troubles[name])
    return {
      state: reasons.length === 0 ? 'ok' : 'degraded',
      writes: isDamaged ? 'none' : isDiskFull || isWalFull ? 'ends_only' : 'all',
      reasons,
      figures: { walBytes },
    }
  }
}

function isSpared({ kind }: WriteRequest): boolean {
  return kind !== 'insert' && kind !== 'change' && kind !== 'add_api_key'
}

function isFull(outcome: WriteOutcome | undefined): boolean {
  return outcome?.ok === false && outcome.refusal.code === 'storage_full'
}

function diskFull(): CoatcheckError {
  return new CoatcheckError(
    'storage_full',
    'Cannot write: the disk is full; nothing was changed, reads and log-outs go on',
  )
}

function walTooLong(): CoatcheckError {
  return new CoatcheckError(
    'storage_busy',
    'Cannot write: another program has been reading the data file for so long that the WAL beside ' +
      'it is at its limit (--wal-limit); nothing was changed, reads and log-outs go on',
  )
}
