/** How many sessions an app has, for those who see no more than that app: counted apart, and kept for a while. */
import type { Clock } from '../../base/clock.ts'
import type { Store } from '../../store/store.ts'

export type AppCounts = {
  /** Undefined where it is being counted and was not known before. */
  count(app: string): Promise<number | undefined>
}

const KEPT_MS = 60_000
/** An app has some thousand sessions as a rule, and they are counted in less. */
const PATIENCE_MS = 200

type Counted = { readonly count: number; readonly at: number }

export function createAppCounts(store: Pick<Store, 'count'>, clock: Clock): AppCounts {
  const known = new Map<string, Counted>()
  const counting = new Map<string, Promise<number | undefined>>()

  async function countNow(app: string): Promise<number | undefined> {
    try {
      const count = await store.count({ app, sub: undefined }, clock.now())
      known.set(app, { count, at: clock.now() })
      return count
    } catch {
      return known.get(app)?.count
    } finally {
      counting.delete(app)
    }
  }

  return {
    async count(app) {
      const last = known.get(app)
      if (last !== undefined && clock.now() - last.at < KEPT_MS) return last.count
      const counted = counting.get(app) ?? countNow(app)
      if (known.get(app) === last && !counting.has(app)) counting.set(app, counted)
      return await Promise.race([counted, later(last?.count)])
    },
  }
}

function later<T>(value: T): Promise<T> {
  return new Promise((resolve) => setTimeout(resolve, PATIENCE_MS, value).unref())
}
