/**
 * Writes are played here, on rows as they were read, and only then sent to the database. Nothing here waits
 * or knows a connection: what the rules of `session/` make of a batch is a pure function of its rows.
 */
import { CoatcheckError } from '../../base/errors.ts'
import { findSub } from '../../session/claims.ts'
import { chooseEvicted, isCounted } from '../../session/eviction.ts'
import type { SessionLimits } from '../../session/limits.ts'
import { applyOperation, type Operation } from '../../session/operations.ts'
import { checkPrecondition, type Precondition } from '../../session/precondition.ts'
import { isRemembered } from '../../session/retention.ts'
import {
  differsInDataAlone,
  type EndReason,
  endSession,
  expireSession,
  type Found,
  isLive,
  type Session,
  touchSession,
} from '../../session/session.ts'
import { appOf } from '../../session/session-id.ts'
import type { Changed, Inserted } from '../../store/store.ts'
import { type EventKind, isTold, type NewEvent } from '../tables/events.ts'
import { endedRow, liveRow, type Row, type RowWrite, see } from '../tables/rows.ts'

/** `seenAt`: activity of the session that the database does not know of yet, 0 for none. */
export type Write =
  | { readonly kind: 'insert'; readonly session: Session; readonly seenAt: number }
  | (Named & { readonly kind: 'change'; readonly operation: Operation })
  | (Named & {
      readonly kind: 'end'
      readonly reason: EndReason
      readonly when: Precondition | undefined
    })

type Named = { readonly id: string; readonly now: number; readonly seenAt: number }

export type Answer = Inserted | Changed | Found

/** `isUnchanged`: the operation has left the session as it was. */
export type Played = { readonly answer: Answer; readonly isUnchanged?: boolean }

/** Whose live sessions a limit counts together. */
export type Owner = { readonly app: string | undefined; readonly sub: string }

/** The write concerns rows that are not here: it needs them, and that nobody else changes them meanwhile. */
export class NeedsLocks extends Error {
  readonly owner: Owner | undefined

  constructor(owner?: Owner) {
    super('The write concerns other sessions')
    this.owner = owner
  }
}

/** The session is past its time, but not sealed: whether it is over is for the database to say. */
export class NeedsSeal extends Error {
  readonly id: string
  readonly now: number

  constructor(id: string, now: number) {
    super('The session is due')
    this.id = id
    this.now = now
  }
}

/**
 * How a row gets to the database; `data`: no more than `data`, version and activity have changed. `events`:
 * what is told of this id, if the row is written.
 */
export type StagedWrite = RowWrite & {
  readonly how: 'insert' | 'update' | 'data'
  readonly events: readonly StagedEvent[]
}

/** `place`: among all events of the stage. */
export type StagedEvent = NewEvent & { readonly place: number }

export type Stage = {
  put(row: Row): void
  /**
   * Plays a write. Throws the refusal of one that changes nothing, `NeedsLocks` or `NeedsSeal`; nothing has
   * changed then.
   */
  play(write: Write): Played
  /** Takes back what was played on this session. */
  forget(id: string): void
  /** What is to be written, in the order of the ids. */
  staged(): StagedWrite[]
}

export type StageOptions = {
  readonly limits: SessionLimits
  readonly keepEndedMs: number
  /** Whose sessions are all here, and nobody else's to change; undefined where no row is. */
  readonly owners: readonly Owner[] | undefined
}

/** `isNew`: it replaces whatever row there is. */
type Slot = {
  row: Row | undefined
  base: Row | undefined
  isNew: boolean
  readonly events: StagedEvent[]
}

export function createStage({ limits, keepEndedMs, owners }: StageOptions): Stage {
  const slots = new Map<string, Slot>()
  let told = 0

  function slotOf(id: string): Slot {
    let slot = slots.get(id)
    if (slot === undefined) {
      slot = { row: undefined, base: undefined, isNew: false, events: [] }
      slots.set(id, slot)
    }
    return slot
  }

  /** The others that must end so that this session can be one of the user's. */
  function choose(session: Session, sub: string | undefined, now: number): readonly string[] {
    if (!isCounted(sub, limits)) return []
    const app = appOf(session.id)
    const isHere = owners?.some((owner) => owner.app === app && owner.sub === sub) ?? false
    if (!isHere) throw new NeedsLocks({ app, sub })
    const others = [...slots.values()].flatMap(({ row }) => {
      if (row === undefined || row.ended !== undefined || row.sub !== sub) return []
      const isOther = row.session.id !== session.id && appOf(row.session.id) === app
      return isOther && isLive(row.session, now) ? [row] : []
    })
    const oldestFirst = others.toSorted(
      (a, b) => a.session.createdAt - b.session.createdAt || byNumber(a, b),
    )
    return chooseEvicted(
      oldestFirst.map(({ session: { id } }) => id),
      limits,
    )
  }

  function tell(kind: EventKind, event: Omit<NewEvent, 'kind'>): void {
    const { id } = event
    if (isTold(id)) slotOf(id).events.push({ ...event, kind, place: told++ })
  }

  /** A renewed one goes on. */
  function end({ slot, reason, now }: { slot: Slot; reason: EndReason; now: number }): void {
    const { row } = slot
    if (row === undefined) return
    slot.row = endedRow(row, reason, now)
    if (reason === 'renewed') return
    tell('ended', { id: row.session.id, at: now, sub: row.sub, detail: reason })
  }

  function evict(ids: readonly string[], now: number): void {
    for (const id of ids) end({ slot: slotOf(id), reason: 'evicted', now })
  }

  function findLive({ id, now, seenAt }: Named): Found {
    const seen = see(slotOf(id).row, now, seenAt, keepEndedMs)
    if (seen.state === 'due') throw new NeedsSeal(id, now)
    return seen
  }

  function insert({ session, seenAt }: Extract<Write, { kind: 'insert' }>): Inserted {
    const { id, createdAt } = session
    const slot = slotOf(id)
    if (slot.row !== undefined && !isForgotten(slot.row, createdAt, seenAt, keepEndedMs)) {
      return { inserted: false, evicted: [] }
    }
    // Its end is told before another of its id begins.
    if (slot.row !== undefined && slot.row.ended === undefined) throw new NeedsSeal(id, createdAt)
    const sub = findSub(session.claims)
    const evicted = choose(session, sub, createdAt)
    slot.row = liveRow(session, undefined)
    slot.isNew = true
    tell('created', { id, at: createdAt, sub })
    evict(evicted, createdAt)
    return { inserted: true, evicted }
  }

  function change(write: Extract<Write, { kind: 'change' }>): Played & { answer: Changed } {
    const { id, now, operation } = write
    const found = findLive(write)
    if (found.state !== 'live') return { answer: found }
    const slot = slotOf(id)
    const before = touchSession(found.session, now)
    const { session, value } = applyOperation(before, operation, limits)
    if (session === before) {
      // No change, and activity all the same.
      slot.row = liveRow(session, slot.row)
      const answer = { state: 'live', session, ...(value !== undefined && { value }) } as const
      return { answer, isUnchanged: true }
    }
    const isRenewed = session.id !== id
    // Two rows in one step, and nobody may end the one while the other begins.
    // control: renewal-locks
    if (isRenewed && owners === undefined) throw new NeedsLocks()
    const sub = findSub(session.claims)
    const isAssigned = session.claims !== before.claims && sub !== findSub(before.claims)
    const evicted = isAssigned ? choose(before, sub, now) : undefined
    const after = liveRow(session, slot.row)
    if (isRenewed && slotOf(session.id).row !== undefined) {
      throw new CoatcheckError('internal', 'Cannot renew the session: its new id is in use')
    }
    if (isAssigned) tell('assigned', { id, at: now, sub, detail: findSub(before.claims) })
    if (isRenewed) {
      const target = slotOf(session.id)
      target.row = after
      target.isNew = true
      end({ slot, reason: 'renewed', now })
      tell('renewed', { id, at: now, sub, detail: session.id })
    } else {
      slot.row = after
    }
    evict(evicted ?? [], now)
    const answer = {
      state: 'live',
      session,
      ...(value !== undefined && { value }),
      ...(evicted !== undefined && { evicted }),
    } as const
    return { answer }
  }

  function finish(write: Extract<Write, { kind: 'end' }>): Found {
    const found = findLive(write)
    if (found.state !== 'live') return found
    if (write.when !== undefined) checkPrecondition(write.when, found.session.version, true)
    end({ slot: slotOf(write.id), reason: write.reason, now: write.now })
    return found
  }

  return {
    put: (row) => void slots.set(row.session.id, { row, base: row, isNew: false, events: [] }),

    play(write) {
      switch (write.kind) {
        case 'insert':
          return { answer: insert(write) }
        case 'change':
          return change(write)
        case 'end':
          return { answer: finish(write) }
      }
    },

    forget: (id) => void slots.delete(id),

    staged() {
      return [...slots.values()]
        .flatMap((slot) => {
          const { row, base, isNew, events } = slot
          if (row === undefined || row === base) return []
          const versionBefore = base?.session.version ?? 0
          return [{ row, versionBefore, how: howOf(row, base, isNew), events }]
        })
        .toSorted((a, b) => (a.row.session.id < b.row.session.id ? -1 : 1))
    },
  }
}

function byNumber(a: Row, b: Row): number {
  // A new one has no number yet, and comes last.
  return (a.number || Infinity) - (b.number || Infinity)
}

/** Whether its id is free again, however it ended. */
function isForgotten(row: Row, now: number, seenAt: number, keepEndedMs: number): boolean {
  const { session, ended } = row
  const tombstone =
    ended === undefined
      ? expireSession(touchSession(session, seenAt))
      : endSession(session, ended.reason, ended.endedAt)
  return !isRemembered(tombstone, now, keepEndedMs)
}

function howOf(row: Row, base: Row | undefined, isNew: boolean): StagedWrite['how'] {
  if (isNew || base === undefined) return 'insert'
  // control: data-alone
  const isData =
    row.ended === undefined &&
    row.sweepAt === base.sweepAt &&
    differsInDataAlone(base.session, row.session)
  return isData ? 'data' : 'update'
}
