/**
 * Everything that changes the file: a plain module over a database, which a thread runs in the
 * server and tests run as it is.
 */
import type Database from 'better-sqlite3'
import { CoatcheckError, type ErrorCode } from '../../base/errors.ts'
import { findSub } from '../../session/claims.ts'
import { applyOperation } from '../../session/operations.ts'
import { checkPrecondition } from '../../session/precondition.ts'
import type { SessionLimits } from '../../session/limits.ts'
import {
  type EndReason,
  endSession,
  type Found,
  type Session,
  type Tombstone,
  touchSession,
} from '../../session/session.ts'
import { createApiKeyTable } from '../tables/api-key-table.ts'
import { createReader } from '../reader.ts'
import { createManySessions, type SweptSlice } from '../tables/many-sessions.ts'
import { createSessionTable } from '../tables/session-table.ts'
import { never } from './slices.ts'
import { refusalFor } from '../database/sqlite-errors.ts'
import type { Changed, Inserted } from '../../store/store.ts'
import { createTombstoneTable } from '../tables/tombstone-table.ts'
import { createWrittenSessions } from './written-sessions.ts'
import type {
  ChangeRequest,
  EndRequest,
  InsertRequest,
  Refusal,
  Seen,
  TouchRequest,
  WriteAnswer,
  WriteOutcome,
  WriteRequest,
} from './write-request.ts'

/** A batch that has come to damage so often is run one request at a time, activity by halves. */
const MOST_RUNS = 16

/** Asked after each piece of what ends many sessions. */
export type GoesOn = () => boolean

export type Writer = {
  /**
   * Runs the requests in order as one transaction, durable when it returns; one outcome for each,
   * in their order. A request that is refused has changed nothing, whenever it was refused. Throws
   * where nobody knows whether the transaction is on disk: that is final, nothing may be written
   * after it, for after a failed sync the page cache cannot be trusted.
   */
  run(requests: readonly WriteRequest[], goesOn?: GoesOn): WriteOutcome[]
  /** The same for all or nothing: throws the first refusal, and then none of them has had an effect. */
  runTogether(requests: readonly WriteRequest[], goesOn?: GoesOn): WriteAnswer[]
  /**
   * Ends and removes expired sessions and old tombstones, `piece` of each, and on while `goesOn` says
   * so; `more` while some are left.
   */
  sweepSlice(now: number, piece: number, goesOn?: GoesOn): SweptSlice
}

export function createWriter(
  database: Database.Database,
  limits: SessionLimits,
  keepEndedMs: number,
): Writer {
  const written = createWrittenSessions(database)
  const reader = createReader(database, keepEndedMs, written.get)
  const begin = database.prepare('begin immediate')
  const commit = database.prepare('commit')
  const rollback = database.prepare('rollback')
  /** Whether the request at hand has written something: no statement writes without a note of it. */
  let hasWritten = false
  const noteWrite = (): void => void (hasWritten = true)
  /** Sessions whose activity cannot be written, for damage; and the one that is written just now. */
  const untouchable = new Set<string>()
  let touching = ''
  /** Of these the ones that this transaction has ended or made anew: their damage went with the row. */
  let remade: string[] = []
  const noteRemade = (id: string): void => void (untouchable.size > 0 && remade.push(id))
  const table = createSessionTable(database, written, { onWrite: noteWrite, onRemade: noteRemade })
  const tombstones = createTombstoneTable(database, noteWrite)
  const many = createManySessions(database, { table, tombstones, keepEndedMs })
  const othersOfSub = database
    .prepare<{ sub: string; id: string; now: number }, string>(
      `select id from sessions where sub = $sub and id <> $id and expires_at > $now
       order by created_at, number`,
    )
    .pluck()
  const apiKeys = createApiKeyTable(database)
  const changeOutside = database.prepare('update outside_changes set made = made + 1')
  const seeOutside = database.prepare<{ made: number }>(
    'update outside_changes set seen = max(seen, $made)',
  )

  function insert({ session, seenAt }: InsertRequest): Inserted {
    const { id, createdAt } = session
    const sub = findSub(session.claims)
    const surplus = findSurplus(session, sub, createdAt)
    if (!table.tryInsert(session, sub)) {
      if (reader.find(id, createdAt, seenAt).state !== 'absent') {
        return { inserted: false, evicted: [] }
      }
      // It has died and been forgotten, and waits to be swept.
      table.delete(id)
      tombstones.delete(id)
      if (!table.tryInsert(session, sub)) {
        throw new CoatcheckError('internal', 'Cannot create the session: its row was not taken')
      }
    }
    evict(surplus, createdAt)
    return { inserted: true, evicted: surplus }
  }

  /** The oldest other sessions of the same `sub` that are one too many; or throws, as configured. */
  function findSurplus({ id }: Session, sub: string | undefined, now: number): readonly string[] {
    const { maxSessionsPerSub, onSessionLimit } = limits
    if (sub === undefined || maxSessionsPerSub === undefined) return []
    const others = othersOfSub.all({ sub, id, now })
    const surplus = others.slice(0, Math.max(0, others.length + 1 - maxSessionsPerSub))
    if (surplus.length > 0 && onSessionLimit === 'refuse') {
      throw new CoatcheckError(
        'too_many_sessions',
        `Cannot give the user another session: there are ${others.length} already, ` +
          `the limit is ${maxSessionsPerSub} (--max-sessions-per-sub); end one of them first`,
      )
    }
    return surplus
  }

  function evict(ids: readonly string[], now: number): void {
    for (const id of ids) endLive(id, now, 'evicted')
  }

  function change({ id, now, seenAt, operation }: ChangeRequest): Changed {
    const found = reader.find(id, now, seenAt)
    if (found.state !== 'live') return found
    const before = touchSession(found.session, now)
    const { session, value } = applyOperation(before, operation, limits)
    if (session.id !== id && reader.find(session.id, now, 0).state !== 'absent') {
      throw new CoatcheckError('internal', 'Cannot renew the session: its new id is in use')
    }
    const sub = findSub(session.claims)
    const isAssigned = session.claims !== before.claims && sub !== findSub(before.claims)
    const evicted = isAssigned ? findSurplus(before, sub, now) : undefined
    table.update(found.session, session)
    if (isAssigned) table.assign(session.id, sub)
    evict(evicted ?? [], now)
    if (session.id !== id) tombstones.bury(endSession(before, 'renewed', now))
    return {
      state: 'live',
      session,
      ...(value === undefined ? {} : { value }),
      ...(evicted === undefined ? {} : { evicted }),
    }
  }

  function end({ id, now, seenAt, reason, when, graceMs = 0 }: EndRequest): Found {
    const found = findUnlessDamaged(id, now - graceMs, seenAt)
    if (found === undefined) return { state: 'ended', tombstone: discard(id, now, reason) }
    if (found.state !== 'live') return found
    if (when !== undefined) checkPrecondition(when, found.session.version, true)
    finish(found.session, now, reason)
    return found
  }

  function endLive(id: string, now: number, reason: EndReason): void {
    const found = findUnlessDamaged(id, now, 0)
    if (found === undefined) discard(id, now, reason)
    else if (found.state === 'live') finish(found.session, now, reason)
  }

  function findUnlessDamaged(id: string, now: number, seenAt: number): Found | undefined {
    try {
      return reader.find(id, now, seenAt)
    } catch (error) {
      if (error instanceof CoatcheckError && error.code === 'storage_damaged') return undefined
      throw error
    }
  }

  /** Ends a session of which nothing but its id is to be trusted. */
  function discard(id: string, now: number, reason: EndReason): Tombstone {
    const tombstone = { id, secretHash: null, reason, endedAt: now }
    table.delete(id)
    tombstones.bury(tombstone)
    return tombstone
  }

  function finish(session: Session, now: number, reason: EndReason): void {
    table.delete(session.id)
    tombstones.bury(endSession(session, reason, now))
  }

  /** Each for itself: a damaged session must not make all others look idle. */
  function touch(seen: readonly Seen[]): undefined {
    for (const [id, seenAt] of seen) {
      if (untouchable.has(id)) continue
      touching = id
      table.touch(id, seenAt)
    }
  }

  /** Throws what must undo the whole batch: a refusal of a request that had begun to write. */
  function perform(request: WriteRequest, goesOn: GoesOn): WriteOutcome {
    hasWritten = false
    try {
      return { ok: true, answer: answer(request, goesOn) }
    } catch (error) {
      if (hasWritten) throw error
      return { ok: false, refusal: refusalOf(error) }
    }
  }

  function answer(request: WriteRequest, goesOn: GoesOn): WriteAnswer {
    switch (request.kind) {
      case 'insert':
        return insert(request)
      case 'change':
        return change(request)
      case 'end':
        return end(request)
      case 'end_many':
        return many.end(request, goesOn)
      case 'add_api_key':
        noteWrite()
        return apiKeys.add(request.key)
      case 'revoke_api_key':
        noteWrite()
        return apiKeys.revoke(request.name, request.revokedAt)
      case 'change_outside':
        noteWrite()
        changeOutside.run()
        return undefined
      case 'see_outside':
        noteWrite()
        seeOutside.run({ made: request.made })
        return undefined
      case 'touch':
        return touch(request.seen)
    }
  }

  /** One durable transaction; an error that surely left nothing behind is a `CoatcheckError`. */
  function transact<T>(work: () => T): T {
    try {
      remade = []
      begin.run()
      written.begin()
      const result = work()
      commit.run()
      // Not before: what is undone is run again, and would come upon the damage once more.
      for (const id of remade) untouchable.delete(id)
      return result
    } catch (error) {
      written.clear()
      if (database.inTransaction) rollback.run()
      throw refusalFor(error) ?? error
    }
  }

  /**
   * What has come to damage is undone with all of its batch, which is then run again without it: so a
   * request has its whole effect or none, and where there is no damage, that costs nothing.
   */
  function run(requests: readonly WriteRequest[], goesOn: GoesOn = always): WriteOutcome[] {
    const refused = new Map<WriteRequest | undefined, WriteOutcome>()
    for (let runs = 1; ; runs++) {
      let at = 0
      try {
        return transact(() => {
          const outcomes: WriteOutcome[] = []
          for (const request of requests) {
            at = outcomes.length
            outcomes.push(refused.get(request) ?? perform(request, goesOn))
          }
          at = requests.length
          return outcomes
        })
      } catch (error) {
        const refusal = refusalOf(error)
        const request = requests[at]
        if (request === undefined || AFFECTS_ALL.has(refusal.code)) {
          return requests.map(() => ({ ok: false, refusal }))
        }
        if (request.kind === 'touch') untouchable.add(touching)
        else refused.set(request, { ok: false, refusal })
        if (runs < MOST_RUNS) continue
        if (requests.length > 1) return requests.flatMap((one) => run([one], goesOn))
        if (request.kind === 'touch' && request.seen.length > 1) return runHalves(request, goesOn)
      }
    }
  }

  function runHalves({ seen }: TouchRequest, goesOn: GoesOn): WriteOutcome[] {
    const half = Math.ceil(seen.length / 2)
    const outcomes = [seen.slice(0, half), seen.slice(half)].flatMap((part) =>
      run([{ kind: 'touch', seen: part }], goesOn),
    )
    return [outcomes.find(({ ok }) => !ok) ?? { ok: true, answer: undefined }]
  }

  return {
    run,
    runTogether: (requests, goesOn = always) =>
      transact(() => requests.map((request) => answer(request, goesOn))),

    sweepSlice: (now, piece, goesOn = never) => transact(() => many.sweep(now, piece, goesOn)),
  }
}

const always = (): boolean => true

/** Nothing of a batch can be written for these, whichever request has come upon it. */
const AFFECTS_ALL: ReadonlySet<ErrorCode> = new Set(['storage_full', 'storage_busy'])

/** The refusal that an error is; throws on any other error, whose effect nobody knows. */
export function refusalOf(error: unknown): Refusal {
  if (!(error instanceof CoatcheckError)) throw error
  return { code: error.code, message: error.message, facts: error.facts }
}
