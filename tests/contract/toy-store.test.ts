import { createFakeClock } from '../kit/clock/fake-clock.ts'
import { DAY, LIMITS } from '../kit/store/limits.ts'
import { testStore } from './contract.ts'
import { createToyStore } from './toy-store.ts'

testStore(
  'toy',
  async ({ limits, keepEndedMs = DAY, keepEventsMs = DAY, maxEvents = 1_000_000 } = {}) => ({
    store: createToyStore({ ...LIMITS, ...limits }, keepEndedMs, {
      keepMs: keepEventsMs,
      maxEvents,
    }),
    clock: createFakeClock(),
  }),
)
