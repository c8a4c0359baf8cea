import type { StoreHealth } from '../../../lib/store/store.ts'

export const HEALTHY: StoreHealth = {
  state: 'ok',
  writes: 'all',
  reasons: [],
  figures: { walBytes: 0 },
}
