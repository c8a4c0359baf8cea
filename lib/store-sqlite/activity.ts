/** Who was active lately, as this server knows it: by the touches on their way and the answered writes. */
import type { Clock } from '../base/clock.ts'
import { createRecentActivity, requireCounted } from '../session/recent-activity.ts'
import type { Store } from '../store/store.ts'
import type { Activity } from './touches.ts'
import type { RequestKind, WriteAnswer, WriteRequest } from './writer/protocol.ts'

export type ActivityNotes = Pick<Store, 'active'> & {
  /** As `active`, of all apps together. */
  activeNow(withinMs: number): Awaited<ReturnType<Store['active']>>
  /** A session has been touched; not called for each request. */
  touched(id: string, activity: Activity): void
  written<Kind extends RequestKind>(request: WriteRequest<Kind>, answer: WriteAnswer<Kind>): void
}

type Updates = {
  readonly [Kind in RequestKind]?: (request: WriteRequest<Kind>, answer: WriteAnswer<Kind>) => void
}

export function createActivityNotes(clock: Clock): ActivityNotes {
  const recent = createRecentActivity(clock.now())
  const updates: Updates = {
    insert({ session }, { inserted }) {
      if (inserted) recent.note(session, session.lastSeenAt, clock.now())
    },
    change(_, changed) {
      if (changed.state !== 'live') return
      recent.note(changed.session, changed.session.lastSeenAt, clock.now())
    },
  }

  return {
    active: async ({ app, withinMs }, now) => requireCounted(recent.count(app, withinMs, now)),
    activeNow: (withinMs) => requireCounted(recent.count(undefined, withinMs, clock.now())),
    touched(id, { lastSeenAt, claims }) {
      recent.note({ id, claims }, lastSeenAt, clock.now())
    },
    written: (request, answer) => updates[request.kind]?.(request, answer),
  }
}
