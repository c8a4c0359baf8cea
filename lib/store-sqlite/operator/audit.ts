/** Checks the file against Coatcheck's own rules, beyond those that SQLite enforces. */
import type Database from 'better-sqlite3'
import {
  brokenKeyRules,
  brokenSessionRules,
  brokenTombstoneRules,
} from '../../session/session-rules.ts'
import type { OnFinding } from '../../store/inspection.ts'
import { checksumOf, tombstoneChecksumOf } from '../tables/checksum.ts'
import { openMemoryDatabase } from '../database/database.ts'
import { describeWalDamage, findWalDamage } from '../wal/wal-damage.ts'
import {
  parseSession,
  parseTombstone,
  ROW_CHECKSUM,
  ROW_NUMBER,
  SESSION_COLUMNS,
  type SessionRow,
  TOMBSTONE_CHECKSUM,
  TOMBSTONE_COLUMNS,
  type TombstoneRow,
} from '../tables/rows.ts'

/** Read at once; a longer read would keep the WAL from being reset. */
const SLICE = 1_000
const SLICE_CHARACTERS = 4 * 1024 * 1024

type AuditedRow = [...SessionRow, sub: string | null, sweepAt: number, endedAt: number | null]

/** SQLite's findings on the file's structure; one long read of the whole file. */
export function auditFile(database: Database.Database, onFinding: OnFinding): void {
  const verdicts = database.prepare<[], string>('pragma integrity_check').pluck().all()
  for (const verdict of verdicts) {
    if (verdict !== 'ok') onFinding({ kind: 'file', id: '', rule: verdict })
  }
}

/** The writes that would be lost if the server were killed now. */
export function auditWal(path: string, onFinding: OnFinding): void {
  const damage = findWalDamage(path)
  if (damage === undefined) return
  onFinding({ kind: 'file', id: '', rule: describeWalDamage(path, damage) })
}

/** Whether our tables and indexes are as the migrations create them; ignores other tables. */
export function auditSchema(database: Database.Database, onFinding: OnFinding): void {
  const model = openMemoryDatabase()
  const expected = readSchema(model)
  model.close()
  const actual = readSchema(database)
  for (const [name, { sql }] of expected) {
    const found = actual.get(name)
    if (found === undefined) onFinding({ kind: 'schema', id: name, rule: 'is missing' })
    else if (found.sql !== sql) {
      onFinding({ kind: 'schema', id: name, rule: 'differs from what the migrations make' })
    }
  }
  for (const [name, { table }] of actual) {
    if (expected.has(table) && !expected.has(name)) {
      onFinding({
        kind: 'schema',
        id: name,
        rule: 'is on a table of Coatcheck, and none of its own',
      })
    }
  }
}

/** Every session, in slices; `onRows` is told how many more have been read. */
export function auditSessions(
  database: Database.Database,
  onFinding: OnFinding,
  onRows: (count: number) => void,
): void {
  const rowsAfter = database
    .prepare<[after: number, limit: number], AuditedRow>(
      `select ${SESSION_COLUMNS.replaceAll(/\w+/g, 's.$&')}, s.sub, s.sweep_at, t.ended_at
       from sessions s left join tombstones t on t.id = s.id
       where s.number > ? order by s.number limit ?`,
    )
    .raw()
  for (let after: number | undefined = -1; after !== undefined;) {
    let last: number | undefined
    let rows = 0
    let characters = 0
    for (const row of rowsAfter.iterate(after, SLICE)) {
      last = row[ROW_NUMBER]
      rows++
      characters += row[2].length + row[3].length
      for (const rule of brokenRules(row)) onFinding({ kind: 'session', id: row[0], rule })
      if (characters >= SLICE_CHARACTERS) break
    }
    onRows(rows)
    after = last
  }
}

/** Every tombstone and every API key. */
export function auditOthers(
  database: Database.Database,
  onFinding: OnFinding,
  onRows: (count: number) => void,
): void {
  const rowsAfter = database
    .prepare<[after: string, limit: number], TombstoneRow>(
      `select ${TOMBSTONE_COLUMNS} from tombstones where id > ? order by id limit ?`,
    )
    .raw()
  for (let after: string | undefined = ''; after !== undefined;) {
    const rows: TombstoneRow[] = rowsAfter.all(after, SLICE)
    for (const row of rows) {
      for (const rule of brokenRulesOfTombstone(row)) {
        onFinding({ kind: 'tombstone', id: row[0], rule })
      }
    }
    onRows(rows.length)
    after = rows.at(-1)?.[0]
  }
  const keys = database.prepare<[], [string, string]>('select name, hash from api_keys').raw()
  for (const [name, hash] of keys.all()) {
    for (const rule of brokenKeyRules({ hash })) onFinding({ kind: 'api_key', id: name, rule })
  }
}

function* brokenRulesOfTombstone(row: TombstoneRow): Generator<string> {
  const tombstone = parseTombstone(row)
  yield* brokenTombstoneRules(tombstone)
  if (tombstoneChecksumOf(tombstone) !== row[TOMBSTONE_CHECKSUM]) yield WRONG_CHECKSUM
}

const WRONG_CHECKSUM = 'the checksum must be that of what is in the row'

/** So many columns of the row are the session's. */
const SESSION_LENGTH = ROW_CHECKSUM + 1

function* brokenRules(row: AuditedRow): Generator<string> {
  const session = parseSession(row.slice(0, SESSION_LENGTH) as SessionRow)
  const [sub, sweepAt, endedAt] = row.slice(SESSION_LENGTH) as [
    string | null,
    number,
    number | null,
  ]
  if (checksumOf(session) !== row[ROW_CHECKSUM]) yield WRONG_CHECKSUM
  if (row[4] !== 0 && row[4] !== 1) yield 'permanent must be 0 or 1'
  if (![row[11], row[12]].every((own) => own === 0 || own === 1)) {
    yield 'own_idle_timeout and own_lifetime must be 0 or 1'
  }
  yield* brokenSessionRules(session, { sub, sweepAt })
  // A tombstone older than the session is in order: it was forgotten, and waits for the sweep.
  if (endedAt !== null && endedAt > session.createdAt) {
    yield 'an id must not be a session and the tombstone of a later end'
  }
}

/** Without SQLite's own objects, which have no text. */
function readSchema(database: Database.Database): Map<string, { table: string; sql: string }> {
  const rows = database
    .prepare<[], [name: string, table: string, sql: string]>(
      'select name, tbl_name, sql from sqlite_schema where sql is not null',
    )
    .raw()
    .all()
  return new Map(rows.map(([name, table, sql]) => [name, { table, sql }]))
}
