/** Checks the file against Coatcheck's own rules, beyond those that SQLite enforces. */
import type Database from 'better-sqlite3'
import { checkClaims, findSub } from '../../session/claims.ts'
import { DEEPEST } from '../../session/limits.ts'
import { END_REASONS, expiresAt } from '../../session/session.ts'
import { ID_SHAPE, isHash, isId } from '../../session/token.ts'
import { kindOf, parseJson } from '../../json/json.ts'
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

/** A broken rule and where it was found; contains no session data. */
export type Finding = {
  readonly kind: 'file' | 'schema' | 'session' | 'tombstone' | 'api_key'
  /** The id of the session, the name in the schema; empty for the file as a whole. */
  readonly id: string
  readonly rule: string
}

/** Told of each finding as it is found. */
export type OnFinding = (finding: Finding) => void

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
      for (const rule of brokenTombstoneRules(row))
        onFinding({ kind: 'tombstone', id: row[0], rule })
    }
    onRows(rows.length)
    after = rows.at(-1)?.[0]
  }
  const keys = database.prepare<[], [string, string]>('select name, hash from api_keys').raw()
  for (const [name, hash] of keys.all()) {
    if (!isHash(hash)) onFinding({ kind: 'api_key', id: name, rule: MALFORMED_HASH })
  }
}

function* brokenTombstoneRules(row: TombstoneRow): Generator<string> {
  const tombstone = parseTombstone(row)
  if (!isId(tombstone.id)) yield MALFORMED_ID
  if (!isHashOrNone(tombstone.secretHash)) yield MALFORMED_HASH
  if (!END_REASONS.includes(tombstone.reason)) {
    yield `reason must be one of ${END_REASONS.join(', ')}`
  }
  if (tombstoneChecksumOf(tombstone) !== row[TOMBSTONE_CHECKSUM]) yield WRONG_CHECKSUM
}

const WRONG_CHECKSUM = 'the checksum must be that of what is in the row'
const MALFORMED_ID = `id must be ${ID_SHAPE}`
const MALFORMED_HASH = 'the hash must be a SHA-256 in base64url'

function* brokenRules(row: AuditedRow): Generator<string> {
  const session = parseSession(row.slice(0, 15) as SessionRow)
  const [sub, sweepAt, endedAt] = row.slice(15) as [string | null, number, number | null]
  if (checksumOf(session) !== row[ROW_CHECKSUM]) yield WRONG_CHECKSUM
  if (!isId(session.id)) yield MALFORMED_ID
  if (!isHashOrNone(session.secretHash)) yield MALFORMED_HASH
  if (sweepAt > expiresAt(session)) yield 'sweep_at must not be later than the session expires'
  if (session.version < 1) yield 'version must be at least 1'
  if (row[4] !== 0 && row[4] !== 1) yield 'permanent must be 0 or 1'
  if (![row[11], row[12]].every((own) => own === 0 || own === 1)) {
    yield 'own_idle_timeout and own_lifetime must be 0 or 1'
  }
  if (session.idleTimeoutMs < 1 || session.lifetimeMs < 1) yield 'both time limits must be positive'
  if (!isObject(session.data)) yield 'data must be a JSON object'
  if (session.device !== null && !isObject(session.device)) yield 'device must be a JSON object'
  if (!isObject(session.claims)) {
    yield 'claims must be a JSON object'
  } else if (!hasValidSub(session.claims)) {
    yield 'claims.sub must be a string that can stand in a header'
  } else if ((findSub(session.claims) ?? null) !== sub) {
    yield 'the column sub must be claims.sub'
  }
  // A tombstone older than the session is in order: it was forgotten, and waits for the sweep.
  if (endedAt !== null && endedAt > session.createdAt) {
    yield 'an id must not be a session and the tombstone of a later end'
  }
}

function isObject(text: string): boolean {
  if (text === '{}') return true
  try {
    return kindOf(parseJson(text, DEEPEST, { name: 'it' })) === 'object'
  } catch {
    return false
  }
}

function hasValidSub(claims: string): boolean {
  if (claims === '{}') return true
  try {
    checkClaims(claims)
    return true
  } catch {
    return false
  }
}

function isHashOrNone(hash: string | null): boolean {
  return hash === null || isHash(hash)
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
