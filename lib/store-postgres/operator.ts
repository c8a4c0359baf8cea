/**
 * The operator's contract on a database. Servers keep nothing of it in memory, so what is written here holds
 * for them at once.
 */
import { systemClock } from '../base/clock.ts'
import type { DatabaseAddress } from '../base/database-address.ts'
import { endSession, expireSession, type Found, type Tombstone } from '../session/session.ts'
import { OpenError } from '../store/open-error.ts'
import type { OperatorReader, OperatorStore, OperatorStores } from '../store/operator-store.ts'
import {
  type Connection,
  createConnection,
  type Rows,
  type Statement,
} from './connection/connection.ts'
import { openFailure, unreachable, writeFailure } from './connection/failures.ts'
import { readRootCertificate } from './connection/primary.ts'
import { askRepeatedly } from './connection/repeatedly.ts'
import { createLists, whose } from './reads/lists.ts'
import { createKeyTable } from './tables/api-keys.ts'
import { eventColumnsOf, readWritten } from './tables/events.ts'
import { buriedRow, columnsOf, liveRow, parseRow, type Row, see } from './tables/rows.ts'
import { isMigrated, migrate } from './tables/schema.ts'
import { CLOCK, END_SOME, ENDS, FIND, INSERT, LIVE_IDS } from './tables/statements.ts'

export type OperatorOptions = {
  readonly address: DatabaseAddress
  readonly password: string | undefined
}

/** `onDatabase`: a moment of this machine's clock, by the database's, which counts. */
export type Opened = {
  readonly connection: Connection
  readonly onDatabase: (now: number) => number
}

const CONNECT_TIMEOUT_MS = 5_000
/** A server that waits for a lock may take its time. */
const ANSWER_TIMEOUT_MS = 60_000
/** By the database a session may be over that a server knows as live: it writes activity once a second. */
const GRACE_MS = 10_000
const PIECE = 200
/** Rows, most of them of live sessions. */
const ENDS_PIECE = 1_000

/** A difference that the question itself may make. */
const NO_DIFFERENCE_MS = 1_000

/** What reads or changes throws where there are no tables of Coatcheck's, and where there are newer ones. */
export const postgresOperatorStores: OperatorStores<OperatorOptions> = {
  openReader,
  openReaderOrEmpty,
  openStore: (options) => openStore(options, { make: false }),
  openOrCreateStore: (options) => openStore(options, { make: true }),
}

async function openReader(options: OperatorOptions): Promise<OperatorReader> {
  return createReader(await connectToTables(options))
}

/** `make`: whether tables are made where there are none. */
async function openStore(
  options: OperatorOptions,
  { make }: { readonly make: boolean },
): Promise<OperatorStore> {
  const opened = await connectAsOperator(options)
  const { connection } = opened
  try {
    if (!make && !(await isMigrated(connection))) throw noTables()
    await migrate(connection)
    return createOperatorStore(opened)
  } catch (error) {
    await connection.close()
    throw openFailure(error)
  }
}

async function openReaderOrEmpty(options: OperatorOptions): Promise<OperatorReader> {
  const opened = await connectAsOperator(options)
  if (await isMigrated(opened.connection)) return createReader(opened)
  await opened.connection.close()
  return {
    find: async () => ({ state: 'absent' }),
    async *readEnds() {},
    list: async () => ({ sessions: [], damaged: [], next: undefined }),
    keys: { list: async () => [] },
    async close() {},
  }
}

/** Throws where the database cannot be reached, or has no tables of Coatcheck's. */
export async function connectToTables(options: OperatorOptions): Promise<Opened> {
  const opened = await connectAsOperator(options)
  try {
    if (!(await isMigrated(opened.connection))) throw noTables()
    return opened
  } catch (error) {
    await opened.connection.close()
    throw openFailure(error)
  }
}

async function connectAsOperator({ address, password }: OperatorOptions): Promise<Opened> {
  const connection = createConnection({
    ...address,
    password,
    certificate: readRootCertificate(address),
    applicationName: 'coatcheck operator',
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    answerTimeoutMs: ANSWER_TIMEOUT_MS,
    whenOverdue: 'renew',
    setup: [],
  })
  try {
    await connection.open()
  } catch (error) {
    throw unreachable(error)
  }
  try {
    const differenceMs = await readDifference(connection)
    return { connection, onDatabase: (now) => now + differenceMs }
  } catch (error) {
    await connection.close()
    throw openFailure(error)
  }
}

/** How far the database's clock is ahead of this machine's. */
async function readDifference(connection: Connection): Promise<number> {
  const { rows } = await connection.ask(CLOCK)
  const difference = Number(rows[0]?.[0]) - systemClock.now()
  // control: operators-clock
  return Math.abs(difference) < NO_DIFFERENCE_MS ? 0 : difference
}

function createReader({ connection, onDatabase }: Opened): OperatorReader {
  const reads = {
    ask: (statement: Statement, values: readonly unknown[]) => ask(connection, statement, values),
  }
  const lists = createLists(reads, () => 0)
  return {
    async find(id, now): Promise<Found> {
      const { rows } = await reads.ask(FIND, [[id]])
      const row = rows[0] === undefined ? undefined : parseRow(rows[0])
      const seen = see(row, onDatabase(now), 0, Infinity)
      if (seen.state !== 'due' || row === undefined) return seen as Found
      return { state: 'ended', tombstone: expireSession(row.session) }
    },
    list: (query, now) => lists.list(query, onDatabase(now)),
    keys: createKeyTable(reads, connection),
    async *readEnds({ app }, given) {
      const now = onDatabase(given)
      for (let after = ''; ;) {
        const { rows } = await reads.ask(ENDS, [after, ENDS_PIECE, app ?? null, now])
        const last = rows[0]?.[0]
        if (typeof last !== 'string') return
        const found = rows.map(([, ...fields]) => fields).filter(([id]) => id !== null)
        yield { ends: found.map((fields) => endOf(parseRow(fields))), damaged: [] }
        after = last
      }
    },
    close: () => connection.close(),
  }
}

/** Of a row whose session is over. */
function endOf({ session, ended }: Row): Tombstone {
  return ended === undefined
    ? expireSession(session)
    : endSession(session, ended.reason, ended.endedAt)
}

function createOperatorStore(opened: Opened): OperatorStore {
  const { connection } = opened
  const reader = createReader(opened)

  async function endSome(ids: readonly string[], given: number): Promise<number> {
    const now = opened.onDatabase(given)
    const sorted = ids.toSorted()
    const { rows } = await ask(connection, END_SOME, [sorted, 'revoked', now, now - GRACE_MS])
    return readWritten(rows).through.size
  }

  /** Returns how many were new. They begin, or have ended, without an event. */
  async function insertRows(all: readonly Row[]): Promise<number> {
    // A later one of the same id is passed over, as one that is there is.
    const first = new Map<string, Row>()
    for (const row of all) if (!first.has(row.session.id)) first.set(row.session.id, row)
    if (first.size === 0) return 0
    const writes = [...first.values()].map((row) => ({ row, versionBefore: 0 }))
    const values = [...columnsOf(writes), null, ...eventColumnsOf([])]
    return (await ask(connection, INSERT, values)).rows.length
  }

  return {
    ...reader,
    keys: createKeyTable({ ask: (...asked) => ask(connection, ...asked) }, connection),

    async insertSome(sessions) {
      const taken = sessions.slice(0, PIECE)
      const rows = taken.map((session) => liveRow(session, undefined))
      return { taken: taken.length, inserted: await insertRows(rows) }
    },

    async burySome(ends) {
      const taken = ends.slice(0, PIECE)
      return { taken: taken.length, buried: await insertRows(taken.map(buriedRow)) }
    },

    async end(id, now) {
      if ((await endSome([id], now)) > 0) return 'ended'
      const found = await reader.find(id, now)
      return found.state === 'absent' ? 'absent' : 'over'
    },

    async endSome({ app, sub }, now) {
      const alive = opened.onDatabase(now) - GRACE_MS
      const values = [app ?? null, sub ?? null, null, alive, PIECE]
      const { rows } = await ask(connection, LIVE_IDS[whose({ app, sub })], values)
      if (rows.length === 0) return { ended: 0, more: false }
      const ids = rows.map(([id]) => String(id))
      // One that is renewed at this moment is found under its new id by the next look.
      return { ended: await endSome(ids, now), more: true }
    },

    serversHaveTakenNote: async () => true,
  }
}

async function ask(
  connection: Pick<Connection, 'ask'>,
  statement: Statement,
  values: readonly unknown[],
): Promise<Rows> {
  try {
    return await askRepeatedly(connection, statement, values)
  } catch (error) {
    throw writeFailure(error)
  }
}

function noTables(): OpenError {
  return new OpenError(
    'missing',
    'Cannot open the database: it has no tables of Coatcheck; a server that is started on it makes them',
  )
}
