/**
 * Most writes: each is about one session. Rows are read, the writes are played, and the rows that come out
 * of it are written where they are still as they were read. What is not, is played again on what is there
 * then. No lock is held while anything is played, so a Coatcheck that stands still holds up nobody.
 *
 * At first a row is not read that is known: whoever writes to a session has just looked for it. It is taken
 * for what is there now, and only its guard, in the database, tells if it is: a write that comes out of it
 * and writes no row, such as a refusal, is played again on what is read.
 */
import { CoatcheckError } from '../../base/errors.ts'
import type { SessionLimits } from '../../session/limits.ts'
import type { Connection } from '../connection/connection.ts'
import { isRetryable, writeFailure } from '../connection/failures.ts'
import type { OnTold } from '../tables/events.ts'
import type { KnownRows } from '../tables/known-rows.ts'
import { parseRow } from '../tables/rows.ts'
import { FIND } from '../tables/statements.ts'
import { seal } from './seal.ts'
import { sendRows } from './send.ts'
import { type Answer, createStage, NeedsLocks, NeedsSeal, type Stage, type Write } from './stage.ts'

/** `isUnchanged`: the operation has left the session as it was. */
export type Outcome =
  { readonly answer: Answer; readonly isUnchanged?: boolean } | { readonly error: unknown }

/** The outcome of each write that has one; the others need locks. */
export type Outcomes = Map<Write, Outcome>

export type WriteRules = {
  readonly limits: SessionLimits
  readonly keepEndedMs: number
  readonly onTold: OnTold
}

/** Whoever loses so often against other processes, and has read what is there each time, takes locks. */
const MOST_ATTEMPTS = 4

/** `known`: undefined where nobody knows beforehand which server a statement will reach. */
export async function runGuarded(
  connection: Pick<Connection, 'ask' | 'server'>,
  writes: readonly Write[],
  rules: WriteRules,
  known: Pick<KnownRows, 'note' | 'find'> | undefined,
): Promise<Outcomes> {
  const outcomes: Outcomes = new Map()
  const withLocks = new Set<string>()
  const run = { connection, rules, known, outcomes, withLocks, met: new Set<string>() }
  for (let attempt = 0; attempt <= MOST_ATTEMPTS; attempt++) {
    const open = writes.filter((write) => !outcomes.has(write) && !withLocks.has(idOf(write)))
    if (open.length === 0) break
    try {
      await tryOnce(run, open, { readsAll: attempt > 0 })
    } catch (error) {
      if (isRetryable(error)) continue
      // Thrown before anything was written.
      for (const write of open) outcomes.set(write, { error: writeFailure(error, false) })
    }
  }
  return outcomes
}

type Run = {
  readonly connection: Pick<Connection, 'ask' | 'server'>
  readonly rules: WriteRules
  readonly known: Pick<KnownRows, 'note' | 'find'> | undefined
  readonly outcomes: Outcomes
  /** Sessions that need locks: none of their writes may be done before that. */
  readonly withLocks: Set<string>
  /** Ids of inserts that met a row. */
  readonly met: Set<string>
}

async function tryOnce(
  run: Run,
  open: readonly Write[],
  { readsAll }: { readonly readsAll: boolean },
): Promise<void> {
  const { connection, rules, known, outcomes, withLocks, met } = run
  const stage = createStage({ ...rules, owners: undefined })
  const server = connection.server()
  // A new id is nearly always free: the insert itself finds out.
  const ids = new Set(open.filter((w) => w.kind !== 'insert' || met.has(idOf(w))).map(idOf))
  const assumed = readsAll ? [] : [...ids].flatMap((id) => known?.find(id, server) ?? [])
  /** Those of which it is not known yet whether they are still as they were assumed to be. */
  const unsure = new Set(assumed.map(({ session }) => session.id))
  for (const row of assumed) stage.put(row)
  const unread = [...ids].filter((id) => !unsure.has(id))
  if (unread.length > 0) {
    const { rows } = await connection.ask(FIND, [unread])
    for (const row of rows) stage.put(parseRow(row))
  }
  const { played, due } = playAll(stage, open, withLocks)
  for (const [id, now] of due) await seal(connection, id, now, rules.onTold)
  // A version is that of one server: another may have lost it, and have another of this number.
  // control: rows-of-one-server
  if (connection.server() !== server) return
  for (const { writes, result } of await sendRows(connection, stage.staged(), rules.keepEndedMs)) {
    if ('told' in result) rules.onTold(result.told)
    for (const { row } of writes) {
      const { id } = row.session
      if ('through' in result && result.through.has(id)) {
        unsure.delete(id)
        known?.note(row, server)
        continue
      }
      met.add(id)
      for (const write of open) {
        if (idOf(write) !== id) continue
        // control: failed-is-not-done
        played.delete(write)
        if ('error' in result && !isRetryable(result.error)) {
          outcomes.set(write, { error: writeFailure(result.error) })
        }
      }
    }
  }
  for (const [write, outcome] of played) {
    // control: assumed-rows-conclude-nothing
    if (unsure.has(idOf(write))) continue
    outcomes.set(write, outcome)
  }
}

/** `due`: ids of sessions to be sealed, with the moment at which they were past their time. */
function playAll(stage: Stage, writes: readonly Write[], withLocks: Set<string>) {
  const played: Outcomes = new Map()
  const due = new Map<string, number>()
  for (const write of writes) {
    const id = idOf(write)
    if (withLocks.has(id) || due.has(id)) continue
    try {
      played.set(write, stage.play(write))
    } catch (error) {
      if (error instanceof NeedsLocks) withLocks.add(id)
      else if (error instanceof NeedsSeal) due.set(id, error.now)
      else if (error instanceof CoatcheckError) played.set(write, { error })
      else throw error
    }
  }
  // All of a session's writes together, in their order, or none of them.
  for (const write of writes) {
    const id = idOf(write)
    if (!withLocks.has(id) && !due.has(id)) continue
    played.delete(write)
    stage.forget(id)
  }
  return { played, due }
}

export function idOf(write: Write): string {
  return write.kind === 'insert' ? write.session.id : write.id
}
