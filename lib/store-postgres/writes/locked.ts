/**
 * Writes that concern more than one session: a log-in where a user's sessions are limited, a renewal. One
 * transaction holds the rows, and for each user whose sessions it counts the user's row of `locks`, so that
 * nobody adds one meanwhile.
 */
import { CoatcheckError } from '../../base/errors.ts'
import { findSub } from '../../session/claims.ts'
import { isCounted } from '../../session/eviction.ts'
import { appOf } from '../../session/session-id.ts'
import type { Connection, Rows, Statement } from '../connection/connection.ts'
import { isRetryable, StatementError, writeFailure } from '../connection/failures.ts'
import { parseRow } from '../tables/rows.ts'
import { BEGIN, COMMIT, FIND_FOR_UPDATE, LOCK, ROLLBACK } from '../tables/statements.ts'
import { idOf, type Outcome, type Outcomes, type WriteRules } from './guarded.ts'
import { seal } from './seal.ts'
import { sendRows } from './send.ts'
import { createStage, NeedsLocks, NeedsSeal, type Owner, type Write } from './stage.ts'

/** Another transaction was in the way and this one has had no effect. */
class Conflict extends Error {}

type Locking = Pick<Connection, 'ask' | 'renew'>

/** With so many tries against others, something else is wrong. */
const MOST_ATTEMPTS = 30
const PAUSE_MS = 5
/** The rows of `locks`, as the migration made them. */
const LOCKS = 256

/** Gives every write its outcome. */
export async function runLocked(
  connection: Locking,
  writes: readonly Write[],
  rules: WriteRules,
): Promise<Outcomes> {
  const owners = ownersOf(writes, rules)
  for (let attempt = 1; ; attempt++) {
    try {
      return await tryOnce(connection, writes, owners, rules)
    } catch (error) {
      if (error instanceof NeedsLocks && error.owner !== undefined) owners.push(error.owner)
      else if (error instanceof NeedsSeal) {
        const failed = await sealFailure(connection, error, rules)
        if (failed !== undefined) return allFailed(writes, writeFailure(failed, false))
      } else if (!(error instanceof Conflict) && !isRetryable(error))
        return allFailed(writes, error)
      if (attempt >= MOST_ATTEMPTS) {
        return allFailed(
          writes,
          new CoatcheckError('storage_busy', 'Cannot write now: others do, to the same sessions'),
        )
      }
      if (attempt > 2) await pause(Math.random() * PAUSE_MS * attempt)
    }
  }
}

/** Whose sessions are counted, as far as it can be seen before the rows are. */
function ownersOf(writes: readonly Write[], { limits }: WriteRules): Owner[] {
  return writes.flatMap((write) => {
    if (write.kind !== 'insert') return []
    const sub = findSub(write.session.claims)
    return isCounted(sub, limits) ? [{ app: appOf(write.session.id), sub }] : []
  })
}

async function tryOnce(
  connection: Locking,
  writes: readonly Write[],
  owners: readonly Owner[],
  rules: WriteRules,
): Promise<Outcomes> {
  let isCommitting = false
  try {
    const stage = createStage({ ...rules, owners })
    for (const row of await lockRows(connection, writes, owners)) stage.put(parseRow(row))
    const outcomes: Outcomes = new Map(writes.map((write) => [write, play(write)]))
    const told: number[] = []
    const sent = await sendRows(connection, stage.staged(), rules.keepEndedMs)
    for (const { writes: rows, result } of sent) {
      if ('error' in result) throw result.error
      // Rows that are there are locked; a new id can have come into use.
      if (result.through.size < rows.length) throw new Conflict()
      told.push(...result.told)
    }
    isCommitting = true
    const { command } = await connection.ask(COMMIT)
    if (command !== 'COMMIT') throw new Conflict()
    rules.onTold(told)
    return outcomes

    function play(write: Write): Outcome {
      try {
        return stage.play(write)
      } catch (error) {
        if (error instanceof CoatcheckError) return { error }
        throw error
      }
    }
  } catch (error) {
    const isOver = isCommitting && error instanceof StatementError
    // What a lost connection had begun is rolled back by the server.
    if (!isOver) await connection.ask(ROLLBACK).catch(() => connection.renew())
    throw isRetryable(error) ? error : writeFailure(error, isCommitting)
  }
}

async function lockRows(connection: Locking, writes: readonly Write[], owners: readonly Owner[]) {
  // control: users-in-turn
  const numbers = [...new Set(owners.map(lockOf))].toSorted((a, b) => a - b)
  const asks: [Statement, unknown[]][] = [
    [BEGIN, []],
    ...(numbers.length > 0 ? ([[LOCK, [numbers]]] as [Statement, unknown[]][]) : []),
    [
      FIND_FOR_UPDATE,
      [
        [...new Set(writes.map(idOf))],
        owners.map(({ app }) => app ?? null),
        owners.map(({ sub }) => sub),
      ],
    ],
  ]
  const answers = await allOf(asks.map(([statement, values]) => connection.ask(statement, values)))
  return answers.at(-1)?.rows ?? []
}

/** All answers are waited for: a rollback must not be sent while one is still to come. */
async function allOf(asked: readonly Promise<Rows>[]): Promise<Rows[]> {
  const settled = await Promise.allSettled(asked)
  return settled.map((one) => {
    if (one.status === 'rejected') throw one.reason
    return one.value
  })
}

async function sealFailure(
  connection: Locking,
  { id, now }: NeedsSeal,
  { onTold }: WriteRules,
): Promise<unknown> {
  return await seal(connection, id, now, onTold).then(
    () => undefined,
    (error: unknown) => (isRetryable(error) ? undefined : error),
  )
}

function allFailed(writes: readonly Write[], error: unknown): Outcomes {
  return new Map(writes.map((write) => [write, { error }]))
}

/** Any spreading will do that all Coatchecks share (Java's `String.hashCode`). */
function lockOf({ app = '', sub }: Owner): number {
  let hash = 0
  for (const character of `${app}~${sub}`)
    hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0
  return hash % LOCKS
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
