/** Takes over from the file that a restore replaces: the ends of sessions and keys, which are final. */
import { statSync } from 'node:fs'
import type Database from 'better-sqlite3'
import { codeOf } from '../../base/errors.ts'
import type { EndReason, Tombstone } from '../../session/session.ts'
import { tombstoneChecksumOf } from '../tables/checksum.ts'
import { openReaderDatabase, openWriterDatabase } from '../database/database.ts'
import { findWalDamage } from '../wal/wal-damage.ts'
import { asStorageError } from '../database/storage-error.ts'
import type { ApiKey } from '../../store/key-store.ts'
import { isKeyScope } from '../../session/api-key.ts'
import { type ApiKeyRow, apiKeyOf, INSERT_KEY, rowOfKey } from '../tables/api-key-table.ts'
import { createTombstoneTable } from '../tables/tombstone-table.ts'

export type CarriedOver = {
  /** Sessions that are live in the backup, have ended since, and stay ended. */
  readonly ended: number
  /**
   * Sessions of the backup that live on under another id since, in the file alone: they are lost, for
   * a token that was replaced must open nothing.
   */
  readonly renewed: number
  /** Keys that are in force in the backup, were revoked since, and stay revoked. */
  readonly revokedKeys: number
  /** Keys that were made since, and stay in force. */
  readonly newKeys: number
  /**
   * Live sessions of the backup that the file has no trace of: it has forgotten that they ended, or
   * never had them. Undefined where that cannot be read.
   */
  readonly unknown: number | undefined
  /** False where the file is damaged or not ours, so that more may have ended than could be read. */
  readonly isWhole: boolean
}

/** The file that is replaced: as many of its rows as can be read, and whether that was all. */
type Source = {
  rows<Row>(table: 'tombstones' | 'api_keys', sql: string): Iterable<Row>
  /** Runs what only counts; undefined where damage is in the way. */
  count(read: (database: Database.Database) => number): number | undefined
  noteDamage(): void
  isWhole(): boolean
  close(): void
}

/** The schema version that created the table; an older file is whole without it. */
const TABLES_SINCE = { tombstones: 1, sessions: 1, api_keys: 2 } as const

/**
 * Writes into the copy of a backup, which it brings up to date, what has ended in the file since:
 * sessions and keys. Undefined, and nothing done, where there is no file, or an empty one. Damage of
 * the file hides what is behind it; throws for whatever else goes wrong, as SQLite does.
 */
export function carryOver(file: string, copy: string, now: number): CarriedOver | undefined {
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) === 0) return undefined
  const target = openWriterDatabase(copy, 'full')
  try {
    const source = openSource(file, schemaOf(target))
    try {
      const ended = carryTombstones(source, target)
      const keys = carryKeys(source, target)
      const unknown = source.count((database) => countUnknown(database, copy, now))
      return { ...ended, ...keys, unknown, isWhole: source.isWhole() }
    } finally {
      source.close()
    }
  } finally {
    target.close()
  }
}

function openSource(file: string, knownSchema: number): Source {
  let isWhole = findWalDamage(file) === undefined
  let schema = 0
  const database = unlessDamaged(() => openReaderDatabase(file))
  if (database !== undefined) schema = unlessDamaged(() => schemaOf(database)) ?? 0

  /** Undefined where damage of the file, or a schema that is not known yet, is in the way. */
  function unlessDamaged<T>(read: () => T): T | undefined {
    try {
      return read()
    } catch (error) {
      const isUnknown = schema > knownSchema && codeOf(error) === 'SQLITE_ERROR'
      if (!isUnknown && !UNREADABLE.test(codeOf(error))) throw asStorageError(file, error)
      isWhole = false
      return undefined
    }
  }

  function hasTable(name: keyof typeof TABLES_SINCE): boolean {
    const sql = "select 1 from sqlite_schema where type = 'table' and name = ?"
    if (unlessDamaged(() => database?.prepare(sql).get(name)) !== undefined) return true
    // A file of another program has none of them.
    if (schema === 0 || schema >= TABLES_SINCE[name]) isWhole = false
    return false
  }

  return {
    *rows<Row>(table: 'tombstones' | 'api_keys', sql: string) {
      if (!hasTable(table)) return
      const rows = unlessDamaged(() => database?.prepare<[], Row>(sql).iterate())
      try {
        while (rows !== undefined) {
          const next = unlessDamaged(() => rows.next())
          if (next === undefined || next.done === true) return
          yield next.value
        }
      } finally {
        rows?.return?.()
      }
    },
    count(read) {
      if (database === undefined || !hasTable('sessions')) return undefined
      return unlessDamaged(() => read(database))
    },
    noteDamage: () => (isWhole = false),
    isWhole: () => isWhole,
    close: () => database?.close(),
  }
}

/** A malformed page, a file cut short, a sector that the disk cannot read. */
const UNREADABLE = /^SQLITE_(CORRUPT|NOTADB|IOERR_(READ|SHORT_READ|CORRUPTFS|DATA)$)/

function schemaOf(database: Database.Database): number {
  return Number(database.pragma('user_version', { simple: true }))
}

type TombstoneColumns = {
  readonly id: string
  readonly secret_hash: string | null
  readonly reason: EndReason
  readonly ended_at: number
  /** None in a file of an older Coatcheck. */
  readonly checksum?: number | null
  readonly keep_ended_ms?: number | null
}

/** Returns how many sessions of the target ended by it. */
function carryTombstones(
  source: Source,
  target: Database.Database,
): { readonly ended: number; readonly renewed: number } {
  const tombstones = createTombstoneTable(target, () => {}, { add: () => {} })
  // An id that a back end chose may have begun anew after a tombstone that is older; a minted one,
  // which is opened by a secret, does not, wherever the clock was set.
  const isSince = target
    .prepare<[string, number], number>(
      'select 1 from sessions where id = ? and created_at > ? and secret_hash is null',
    )
    .pluck()
  const remove = target.prepare('delete from sessions where id = ?')
  return withinOne(target, () => {
    const counts = { ended: 0, renewed: 0 }
    for (const row of source.rows<TombstoneColumns>('tombstones', 'select * from tombstones')) {
      const { id, secret_hash: secretHash, reason, ended_at: endedAt, checksum = null } = row
      const { keep_ended_ms: keepEndedMs } = row
      const tombstone = {
        ...{ id, secretHash, reason, endedAt },
        ...(typeof keepEndedMs === 'number' && { keepEndedMs }),
      }
      if (!isTombstone(tombstone) || ![null, tombstoneChecksumOf(tombstone)].includes(checksum)) {
        source.noteDamage()
        continue
      }
      if (isSince.get(id, endedAt) !== undefined) continue
      counts[reason === 'renewed' ? 'renewed' : 'ended'] += remove.run(id).changes
      tombstones.bury(tombstone)
    }
    return counts
  })
}

function carryKeys(
  source: Source,
  target: Database.Database,
): { readonly revokedKeys: number; readonly newKeys: number } {
  const revoke = target.prepare<[number | null, string]>(
    'update api_keys set revoked_at = ? where hash = ? and revoked_at is null',
  )
  const findByHash = target
    .prepare<[string], number>('select 1 from api_keys where hash = ?')
    .pluck()
  const findByName = target
    .prepare<[string], number>('select 1 from api_keys where name = ? and revoked_at is null')
    .pluck()
  const add = target.prepare<ApiKeyRow>(INSERT_KEY)
  return withinOne(target, () => {
    const counts = { revokedKeys: 0, newKeys: 0 }
    for (const row of source.rows<ApiKeyRow>('api_keys', KEYS_SQL)) {
      const key = apiKeyOf(row)
      if (!isKey(key)) {
        source.noteDamage()
        continue
      }
      const isRevoked = key.revokedAt !== null
      if (isRevoked) counts.revokedKeys += revoke.run(key.revokedAt, key.hash).changes
      if (findByHash.get(key.hash) !== undefined) continue
      let { name } = key
      for (let n = 2; !isRevoked && findByName.get(name) !== undefined; n++) {
        name = `${key.name}-${n}`
      }
      add.run(rowOfKey({ ...key, name }))
      if (!isRevoked) counts.newKeys++
    }
    return counts
  })
}

/** Revoked ones first: a name is free again once its key is revoked. */
const KEYS_SQL = `
  select * from api_keys
  order by revoked_at is null, created_at`

/** A damaged page may hold anything, even what its table forbids. */
function isTombstone({ id, secretHash, reason, endedAt }: Tombstone): boolean {
  const texts: unknown[] = [id, reason, secretHash ?? '']
  return texts.every((text) => typeof text === 'string') && Number.isInteger(endedAt)
}

function isKey({ hash, name, scope, app = '', createdAt, revokedAt }: ApiKey): boolean {
  if (!isKeyScope(scope)) return false
  const texts: unknown[] = [hash, name, app]
  const isText = texts.every((text) => typeof text === 'string')
  return isText && [createdAt, revokedAt ?? 0].every(Number.isInteger)
}

function countUnknown(source: Database.Database, copy: string, now: number): number {
  source.prepare('attach ? as backup').run(copy)
  return Number(
    source
      .prepare(
        `select count(*) from backup.sessions s where expires_at > ?
         and not exists (select 1 from main.sessions where id = s.id)`,
      )
      .pluck()
      .get(now),
  )
}

/** Runs work as one transaction. */
function withinOne<T>(target: Database.Database, work: () => T): T {
  return target.transaction(work).immediate()
}
