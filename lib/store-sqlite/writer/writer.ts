/**
 * Everything that changes the file: a plain module over a database, which the server runs in a thread
 * and tests run as it is.
 */
import type Database from 'better-sqlite3'
import { CoatcheckError, type ErrorCode } from '../../base/errors.ts'
import type { SessionLimits } from '../../session/limits.ts'
import type { FeedRetention } from '../../store/feed-store.ts'
import { createWriteCounts, makeCountsMemory, type WriteCounts } from '../counts.ts'
import { refusalFor } from '../database/sqlite-errors.ts'
import { createWrittenSessions, type WrittenSessions } from '../memory.ts'
import { createReader } from '../reader.ts'
import { createTables, type Tables } from '../tables/tables.ts'
import { createChange } from './change.ts'
import { createEnding } from './end.ts'
import { createEviction } from './eviction.ts'
import { createInsert } from './insert.ts'
import { createEndMany, createSweep, type SweptSlice } from './many-sessions.ts'
import type { Refusal, RequestKind, WriteAnswer, WriteOutcome, WriteRequest } from './protocol.ts'
import { type GoesOn, never } from './slices.ts'
import { createTouching, type Touching } from './touch.ts'

export type Writer = {
  /**
   * Runs the requests in order as one transaction, which is durable when this returns; one outcome for
   * each, in their order. A refused request has changed nothing. Throws where nobody knows whether the
   * transaction is on disk. That is final, nothing may be written after it: once a sync has failed, the
   * page cache cannot be trusted.
   */
  run(requests: readonly WriteRequest[], goesOn?: GoesOn): WriteOutcome[]
  /** The same for all or nothing: throws the first refusal, and then none has had an effect. */
  runTogether(requests: readonly WriteRequest[], goesOn?: GoesOn): WriteAnswer[]
  /**
   * Ends expired sessions and removes old tombstones, `piece` of each, and again while `goesOn` returns
   * true; `more` while some are left.
   */
  sweepSlice(now: number, piece: number, goesOn?: GoesOn): SweptSlice
}

/** Runs work as one durable transaction. An error that surely left nothing behind is a `CoatcheckError`. */
type Transact = <T>(work: () => T) => T

/** The work of each kind of request. */
type Handlers = {
  readonly [Kind in RequestKind]: (request: WriteRequest<Kind>, goesOn: GoesOn) => WriteAnswer<Kind>
}

/** A command forgets nothing. */
const KEEP_ALL: FeedRetention = { keepMs: Infinity, maxEvents: Infinity }

export function createWriter(
  database: Database.Database,
  limits: SessionLimits,
  keepEndedMs: number,
  counts: WriteCounts = createWriteCounts(makeCountsMemory()),
  retention: FeedRetention = KEEP_ALL,
): Writer {
  /** Whether the request at hand has written something; set before each statement that writes. */
  let hasWritten = false
  const written = createWrittenSessions(database)
  const noteWrite = (): void => void (hasWritten = true)
  const tables = createTables(
    database,
    written,
    {
      onWrite: noteWrite,
      onRemade: (id) => touching.noteRemade(id),
    },
    counts,
  )
  const touching = createTouching(tables.sessions.touch)
  const reader = createReader(database, keepEndedMs, written.get)
  const handlers = createHandlers(database, { tables, touching, reader, limits, noteWrite, counts })
  const sweep = createSweep(database, tables, { keepEndedMs, ...retention }, counts)
  const transact = createTransact(database, written, touching, counts)

  function answer<Kind extends RequestKind>(
    request: WriteRequest<Kind>,
    goesOn: GoesOn,
  ): WriteAnswer<Kind> {
    return handlers[request.kind](request, goesOn)
  }

  /** Throws a refusal of a request that had begun to write: the whole batch must be undone. */
  function perform(request: WriteRequest, goesOn: GoesOn): WriteOutcome {
    hasWritten = false
    try {
      return { ok: true, answer: answer(request, goesOn) }
    } catch (error) {
      // control: refused-undone
      if (hasWritten) throw error
      return { ok: false, refusal: refusalOf(error) }
    }
  }

  return {
    run: createRun(transact, perform, touching),
    runTogether: (requests, goesOn = always) =>
      transact(() => requests.map((request) => answer(request, goesOn))),
    sweepSlice: (now, piece, goesOn = never) => transact(() => sweep(now, piece, goesOn)),
  }
}

type HandlerParts = {
  readonly tables: Tables
  readonly touching: Touching
  readonly reader: ReturnType<typeof createReader>
  readonly limits: SessionLimits
  readonly noteWrite: () => void
  readonly counts: WriteCounts
}

function createHandlers(database: Database.Database, parts: HandlerParts): Handlers {
  const { tables, touching, reader, limits, noteWrite, counts } = parts
  const ending = createEnding({ tables, reader, counts })
  const eviction = createEviction(database, limits, ending)
  const changeOutside = database.prepare('update outside_changes set made = made + 1')
  const seeOutside = database.prepare<{ made: number }>(
    'update outside_changes set seen = max(seen, $made)',
  )
  return {
    insert: createInsert({ tables, reader, eviction }),
    change: createChange({ tables, reader, eviction, limits, counts }),
    end: ending.end,
    end_many: createEndMany(database, tables, counts),
    touch: touching.touch,
    add_api_key({ key }) {
      noteWrite()
      return tables.apiKeys.add(key)
    },
    revoke_api_key({ name, revokedAt }) {
      noteWrite()
      return tables.apiKeys.revoke(name, revokedAt)
    },
    note_key_uses({ uses }) {
      noteWrite()
      uses.forEach(tables.apiKeys.noteUse)
      return undefined
    },
    change_outside() {
      noteWrite()
      changeOutside.run()
      return undefined
    },
    see_outside({ made }) {
      noteWrite()
      seeOutside.run({ made })
      return undefined
    },
  }
}

function createTransact(
  database: Database.Database,
  written: WrittenSessions,
  touching: Touching,
  counts: WriteCounts,
): Transact {
  // control: writer-starts
  const begin = database.prepare('begin immediate')
  const commit = database.prepare('commit')
  const rollback = database.prepare('rollback')

  return (work) => {
    try {
      touching.begin()
      // control: begin
      begin.run()
      written.begin()
      counts.begin()
      const result = work()
      const startedAt = performance.now()
      // control: commit
      commit.run()
      counts.committed((performance.now() - startedAt) / 1_000)
      touching.commit()
      return result
    } catch (error) {
      // control: failed-writes-forgotten
      written.clear()
      if (database.inTransaction) rollback.run()
      // control: unknown-fault
      throw refusalFor(error) ?? error
    }
  }
}

/** After so many runs, a batch that keeps meeting damage is run one request at a time, activity by halves. */
const MOST_RUNS = 16

/**
 * Runs batches. A request that fails on damage is undone together with its batch, which is then run
 * again without it: so each request has its whole effect or none, and costs nothing extra where there
 * is no damage.
 */
function createRun(
  transact: Transact,
  perform: (request: WriteRequest, goesOn: GoesOn) => WriteOutcome,
  touching: Touching,
): Writer['run'] {
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
        // control: damage-is-local
        if (request === undefined || AFFECTS_ALL.has(refusal.code)) {
          return requests.map(() => ({ ok: false, refusal }))
        }
        if (request.kind === 'touch') touching.skipFailed()
        else refused.set(request, { ok: false, refusal })
        if (runs < MOST_RUNS) continue
        if (requests.length > 1) return requests.flatMap((one) => run([one], goesOn))
        if (request.kind === 'touch' && request.seen.length > 1) return runHalves(request, goesOn)
      }
    }
  }

  function runHalves({ seen }: WriteRequest<'touch'>, goesOn: GoesOn): WriteOutcome[] {
    const half = Math.ceil(seen.length / 2)
    const outcomes = [seen.slice(0, half), seen.slice(half)].flatMap((part) =>
      run([{ kind: 'touch', seen: part }], goesOn),
    )
    return [outcomes.find(({ ok }) => !ok) ?? { ok: true, answer: undefined }]
  }

  return run
}

const always = (): boolean => true

/** Whichever request meets one of these, no request of its batch can be written. */
const AFFECTS_ALL: ReadonlySet<ErrorCode> = new Set(['storage_full', 'storage_busy'])

/** The refusal that an error is; rethrows any other error, whose effect nobody knows. */
export function refusalOf(error: unknown): Refusal {
  if (!(error instanceof CoatcheckError)) throw error
  return { code: error.code, message: error.message, facts: error.facts, way: error.way }
}
