import type Database from 'better-sqlite3'
import { chooseEvicted, isCounted } from '../../session/eviction.ts'
import type { SessionLimits } from '../../session/limits.ts'
import type { Session } from '../../session/session.ts'
import type { Ending } from './end.ts'

/** Holds the limit of a user's sessions; whom it evicts is decided by `session/eviction.ts`. */
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
  const othersOfSub = database
    .prepare<{ sub: string; id: string; now: number }, string>(
      `select id from sessions where sub = $sub and id <> $id and expires_at > $now
       order by created_at, number`,
    )
    .pluck()

  return {
    choose({ id }, sub, now) {
      return isCounted(sub, limits) ? chooseEvicted(othersOfSub.all({ sub, id, now }), limits) : []
    },
    evict(ids, now) {
      for (const id of ids) ending.endIfLive(id, now, 'evicted')
    },
  }
}
