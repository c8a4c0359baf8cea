/** A writer that saves space when it runs out: it still ends sessions, and refuses writes that need more. */
import { CoatcheckError } from '../../base/errors.ts'
import { createDamageWatch } from './damage-watch.ts'
import { never } from './slices.ts'
import type { SpaceReserve } from './space-reserve.ts'
import type { Wal } from '../wal/wal.ts'
import { isReservedId } from '../../session/reserved-id.ts'
import type { StoreHealth } from '../../store/store.ts'
import type { WriteOutcome, WriteRequest } from './protocol.ts'
import { refusalOf, type Writer } from './writer.ts'

type ServerWriter = Pick<Writer, 'run' | 'sweepSlice'>

export type SparingWriter = ServerWriter & {
  /** Measures how much space there is; to be called about once a second. */
  check(): StoreHealth
}

export type Space = {
  readonly reserve: SpaceReserve
  readonly wal: Wal
  /** Free pages within the data file, which ended sessions have left. */
  readonly freeBytes: () => number
  /** While the WAL is longer than this, writes that make it longer are refused. */
  readonly walLimitBytes: number
}

/** With so many free bytes within the file, writes can go on though the disk is full. */
const ROOM_BYTES = 1024 * 1024

/** From this length on, or from half of the limit, the WAL is reported as long. */
const LONG_WAL_BYTES = 128 * 1024 * 1024

const NOTHING_SWEPT = { ended: 0, removed: 0, damaged: 0, more: false }

export function createSparingWriter(writer: ServerWriter, space: Space): SparingWriter {
  const { reserve, wal, freeBytes, walLimitBytes } = space
  let isDiskFull = false
  let isWalFull = false
  const damage = createDamageWatch()

  /** Runs the requests that end or touch sessions, with the space of the reserve; refuses the others. */
  function runSparingly(requests: readonly WriteRequest[]): WriteOutcome[] {
    const taken = requests.filter(isStillTaken)
    const outcomes = taken.length > 0 ? writer.run(taken, never) : []
    // With a reset after each step, the WAL needs no more space than it has.
    if (taken.length > 0) wal.checkpoint('restart')
    const refusal = refusalOf(isWalFull ? walTooLong() : diskFull())
    return requests.map((request) => {
      const outcome = isStillTaken(request) ? outcomes.shift() : undefined
      return outcome ?? { ok: false, refusal }
    })
  }

  /** Frees the reserve, for the writes from here on. */
  function tapReserve(): void {
    isDiskFull = true
    reserve.release()
    wal.checkpoint('restart')
  }

  return {
    run(requests, goesOn) {
      if (isWalFull || isDiskFull) return runSparingly(requests)
      const outcomes = writer.run(requests, goesOn)
      damage.note(requests, outcomes)
      // control: full-disk-refused
      if (!outcomes.some(isFull)) return outcomes
      tapReserve()
      // Nothing of these was written.
      const again = runSparingly(requests.filter((_, index) => isFull(outcomes[index])))
      return outcomes.map((outcome) => (isFull(outcome) ? (again.shift() ?? outcome) : outcome))
    },

    sweepSlice(now, piece, goesOn) {
      // A sweep can wait: it must not make a WAL longer that cannot be reset.
      if (wal.bytes() > walLimitBytes) return NOTHING_SWEPT
      try {
        return writer.sweepSlice(now, piece, isDiskFull ? never : goesOn)
      } catch (error) {
        const isFullDisk = error instanceof CoatcheckError && error.code === 'storage_full'
        if (!isFullDisk || isDiskFull) throw error
        tapReserve()
        // A large slice needs more space than is left: one piece only.
        return writer.sweepSlice(now, piece)
      }
    },

    check() {
      const isHeld = reserve.hold()
      if (isDiskFull) {
        // control: space-is-back
        isDiskFull = !isHeld && (!wal.checkpoint('restart') || freeBytes() < ROOM_BYTES)
      }
      if (isWalFull || wal.bytes() > walLimitBytes) isWalFull = !wal.checkpoint('restart')
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

function isStillTaken(request: WriteRequest): boolean {
  const { kind } = request
  // Whoever has an API key may look at the dashboard just when the disk is full.
  if (kind === 'insert') return isReservedId(request.session.id)
  // control: ends-always-written
  return kind !== 'change' && kind !== 'add_api_key' && kind !== 'note_key_uses'
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
      'it has reached its limit; nothing was changed, reads and log-outs go on',
    {},
    { setting: 'walLimitBytes' },
  )
}
