import type Database from 'better-sqlite3'
import { chooseEvicted, isCounted } from '../../session/eviction.ts'
import type { SessionLimits } from '../../session/limits.ts'
import type { Session } from '../../session/session.ts'
import { appOf } from '../../session/session-id.ts'
import { ROWS } from '../tables/selection.ts'
import type { Ending } from './end.ts'

/** Holds the limit of a user's sessions in one app; whom it evicts is decided by `session/eviction.ts`. */
export type Eviction = {
  /** The sessions that must end if this one becomes one of the user's; throws where the limit refuses it. */
  choose(session: Session, sub: string | undefined, now: number): readonly string[]
  evict(ids: readonly string[], now: number): void
}

export function createEviction(
  database: Database.Database,
  limits: SessionLimits,
  ending: Pick<Ending, 'endIfLive'>,
): Eviction {
  const othersOfSub = (rows: string) =>
    database
      .prepare<{ app: string | undefined; sub: string; id: string; now: number }, string>(
        `select id from ${rows} id <> $id and expires_at > $now order by created_at, number`,
      )
      .pluck()
  const othersInApp = othersOfSub(ROWS.ofSubInApp)
  // By the index of all apps: the limit itself bounds how many they have there.
  const othersWithoutApp = othersOfSub(`${ROWS.ofSub} app is null and`)

  return {
    choose({ id }, sub, now) {
      if (!isCounted(sub, limits)) return []
      const app = appOf(id)
      // control: app-limit
      const others = app === undefined ? othersWithoutApp : othersInApp
      return chooseEvicted(others.all({ app, sub, id, now }), limits)
    },
    evict(ids, now) {
      for (const id of ids) ending.endIfLive(id, now, 'evicted')
    },
  }
}
