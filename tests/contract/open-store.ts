import type { SessionLimits } from '../../lib/session/limits.ts'
import type { Store } from '../../lib/store/store.ts'
import type { FakeClock } from '../kit/clock/fake-clock.ts'

/** Opens an empty store on a clock that stands still; the limits are `LIMITS`, tombstones and events last a day. */
export type OpenStore = (given?: {
  readonly limits?: Partial<SessionLimits>
  readonly keepEndedMs?: number
  readonly keepEventsMs?: number
  readonly maxEvents?: number
}) => Promise<{ readonly store: Store; readonly clock: FakeClock }>
