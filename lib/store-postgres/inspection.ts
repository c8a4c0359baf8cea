/** What is in a database, in numbers and in findings. */
import {
  brokenKeyRules,
  brokenSessionRules,
  brokenTombstoneRules,
} from '../session/session-rules.ts'
import { endSession } from '../session/session.ts'
import { appOf } from '../session/session-id.ts'
import {
  createTally,
  type Inspections,
  type OnFinding,
  type Statistics,
  TOP,
} from '../store/inspection.ts'
import type { Connection, Statement } from './connection/connection.ts'
import { readFailure } from './connection/failures.ts'
import { askRepeatedly } from './connection/repeatedly.ts'
import { connectToTables, type OperatorOptions } from './operator.ts'
import { createKeyTable } from './tables/api-keys.ts'
import { parseRow, type Row } from './tables/rows.ts'
import * as statements from './tables/inspection-statements.ts'

/** Rows that are read at once: of statistics, and of a check, where each may have much data. */
const SLICE = 5_000
const CHECK_SLICE = 200

export const postgresInspections: Inspections<OperatorOptions> = {
  async openStatistics(options) {
    const { connection, onDatabase } = await connectToTables(options)
    return {
      countSessions: () => countSessions(connection),
      read: (now, onSessions) => readStatistics(connection, onDatabase(now), onSessions),
      close: () => connection.close(),
    }
  },

  async openCheck(options, onFinding) {
    const { connection } = await connectToTables(options)
    let tombstones = 0
    return {
      async structure() {
        for (const [name] of await ask(connection, statements.INVALID_INDEXES)) {
          const rule = 'the index is not valid: rebuild it (reindex)'
          onFinding({ kind: 'schema', id: String(name), rule })
        }
        for (const [failures] of await ask(connection, statements.CHECKSUM_FAILURES)) {
          const rule = `the database has found ${String(failures)} pages with a wrong checksum`
          onFinding({ kind: 'file', id: '', rule })
        }
      },
      countSessions: () => countSessions(connection),
      // Live and ended ones are in one table, so this reads both.
      async sessions(onSessions) {
        tombstones = await checkRows(connection, onFinding, onSessions)
      },
      async others(onTombstones) {
        onTombstones(tombstones)
        const keys = createKeyTable(readsOf(connection), connection)
        for (const { name, hash } of await keys.list()) {
          for (const rule of brokenKeyRules({ hash }))
            onFinding({ kind: 'api_key', id: name, rule })
        }
      },
      close: () => connection.close(),
    }
  },
}

async function ask(
  connection: Connection,
  statement: Statement,
  values: readonly unknown[] = [],
): Promise<readonly (readonly unknown[])[]> {
  try {
    return (await askRepeatedly(connection, statement, values)).rows
  } catch (error) {
    throw readFailure(error)
  }
}

function readsOf(connection: Connection) {
  return {
    ask: (statement: Statement, values: readonly unknown[]) =>
      askRepeatedly(connection, statement, values),
  }
}

async function countSessions(connection: Connection): Promise<number> {
  const [row] = await ask(connection, statements.COUNT_SESSIONS)
  return Number(row?.[0])
}

type CountedFields = [
  number: number,
  id: string,
  isLive: boolean,
  permanent: boolean,
  createdAt: number,
  bytes: number,
]

async function readStatistics(
  connection: Connection,
  now: number,
  onSessions: (count: number) => void,
): Promise<Statistics> {
  const tally = createTally(now)
  for (let after = 0; ;) {
    const rows = (await ask(connection, statements.COUNTED, [after, SLICE, now])) as CountedFields[]
    for (const [, id, isLive, permanent, createdAt, bytes] of rows) {
      tally.add({ id, isLive, permanent, createdAt, bytes })
    }
    onSessions(rows.length)
    const last = rows.at(-1)
    if (last === undefined || rows.length < SLICE) break
    after = last[0]
  }
  const [sizes] = (await ask(connection, statements.SIZES)) as [number, number, number][]
  const [bytes = 0, tableBytes = 0, indexBytes = 0] = sizes ?? []
  const namesOf = async (statement: Statement) =>
    (await ask(connection, statement, [TOP])) as [string, number][]
  return {
    ...tally.read(),
    ended: Object.fromEntries((await ask(connection, statements.ENDED)) as [string, number][]),
    topSubs: (await namesOf(statements.TOP_SUBS)).map(([sub, sessions]) => ({ sub, sessions })),
    topApps: (await namesOf(statements.TOP_APPS)).map(([app, sessions]) => ({ app, sessions })),
    database: { bytes, tableBytes, indexBytes },
  }
}

/** Returns how many of them are remembered ends; tells of the others as it goes. */
async function checkRows(
  connection: Connection,
  onFinding: OnFinding,
  onSessions: (count: number) => void,
): Promise<number> {
  let tombstones = 0
  for (let after: string | undefined = ''; after !== undefined;) {
    const rows = await ask(connection, statements.ROWS, [after, CHECK_SLICE])
    let sessions = 0
    let last: string | undefined
    for (const [app, ...fields] of rows) {
      const row = parseRow(fields)
      const { id } = row.session
      const isTombstone = row.sweepAt === undefined && row.ended !== undefined
      const rules = isTombstone ? rulesOfTombstone(row) : rulesOfSession(row, app)
      const kind = isTombstone ? ('tombstone' as const) : ('session' as const)
      for (const rule of rules) onFinding({ kind, id, rule })
      if (isTombstone) tombstones++
      else sessions++
      last = id
    }
    onSessions(sessions)
    after = last
  }
  return tombstones
}

function* rulesOfSession({ session, sub, sweepAt, ended }: Row, app: unknown): Generator<string> {
  // Without a time the sweep would never look at it.
  if (sweepAt === undefined) yield 'a live session must have sweep_at'
  yield* brokenSessionRules(session, { sub: sub ?? null, sweepAt: sweepAt ?? 0 })
  if (app !== (appOf(session.id) ?? null)) yield 'the column app must be that of the id'
  if (ended !== undefined)
    yield* brokenTombstoneRules(endSession(session, ended.reason, ended.endedAt))
}

function* rulesOfTombstone({ session, sub, ended }: Row): Generator<string> {
  if (ended === undefined) return
  yield* brokenTombstoneRules(endSession(session, ended.reason, ended.endedAt))
  const isEmptied = session.data === '' && session.claims === '' && session.device === null
  if (!isEmptied || sub !== undefined)
    yield 'what has ended must have no data, claims, device and sub'
}
