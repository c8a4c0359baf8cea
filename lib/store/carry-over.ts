/** What a restore keeps of the file whose place the backup takes: ends that are final. */
import { statSync } from 'node:fs'
import type Database from 'better-sqlite3'
import type { EndReason } from '../session/session.ts'
import { tombstoneChecksumOf } from './checksum.ts'
import { openReaderDatabase, openWriterDatabase, prepareDatabase } from './database.ts'
import { findLogDamage } from './log-damage.ts'
import type { ApiKey } from './store.ts'
import { createTombstoneTable } from './tombstone-table.ts'

export type CarriedOver = {
  /** Sessions that are live in the backup, have ended since, and stay ended. */
  readonly ended: number
  /** Keys that are in force in the backup, were revoked since, and stay revoked. */
  readonly revokedKeys: number
  /** Keys that were made since, and stay in force. */
  readonly newKeys: number
  /**
   * Live sessions of the backup that the file has no trace of: it has forgotten that they ended, or
   * never had them. Undefined where that cannot be read.
   */
  readonly unknown: number | undefined
  /** False where the file is damaged, so that more may have ended than could be read. */
  readonly isWhole: boolean
}

/**
 * Writes into the copy of a backup, which it brings up to date, what has ended in the file since:
 * sessions and keys. Undefined, and nothing done, where there is no file, or an empty one.
 */
export function carryOver(file: string, copy: string, now: number): CarriedOver | undefined {
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) === 0) return undefined
  prepareDatabase(copy)
  const target = openWriterDatabase(copy, 'full')
  const counts = { ended: 0, revokedKeys: 0, newKeys: 0 }
  let unknown: number | undefined
  let isWhole = findLogDamage(file) === undefined
  try {
    const source = openReaderDatabase(file)
    try {
      for (const step of [
        () => carryTombstones(source, target, counts),
        () => carryKeys(source, target, counts),
        () => (unknown = countUnknown(source, copy, now)),
      ]) {
        if (!succeeds(step)) isWhole = false
      }
    } finally {
      source.close()
    }
  } catch {
    // Not even SQLite can tell what it is; it is kept beside the new one as it is.
    isWhole = false
  } finally {
    target.close()
  }
  return { ...counts, unknown, isWhole }
}

/** What was read of a damaged table before its damage counts. */
function succeeds(step: () => void): boolean {
  try {
    step()
    return true
  } catch {
    return false
  }
}

type TombstoneColumns = {
  readonly id: string
  readonly secret_hash: string | null
  readonly reason: EndReason
  readonly ended_at: number
  /** None in a file of an older Coatcheck. */
  readonly checksum?: number | null
}

function carryTombstones(
  source: Database.Database,
  target: Database.Database,
  counts: { ended: number },
): void {
  const tombstones = createTombstoneTable(target, () => {})
  // An id that a back end chose may have begun anew after a tombstone that is older; a minted one,
  // which is opened by a secret, does not, wherever the clock was set.
  const isSince = target
    .prepare<[string, number], number>(
      'select 1 from sessions where id = ? and created_at > ? and secret_hash is null',
    )
    .pluck()
  const remove = target.prepare('delete from sessions where id = ?')
  let damaged = 0
  withinOne(target, () => {
    for (const row of source.prepare<[], TombstoneColumns>('select * from tombstones').iterate()) {
      const { id, secret_hash: secretHash, reason, ended_at: endedAt, checksum = null } = row
      const tombstone = { id, secretHash, reason, endedAt }
      if (checksum !== null && checksum !== tombstoneChecksumOf(tombstone)) {
        damaged++
        continue
      }
      if (isSince.get(id, endedAt) !== undefined) continue
      counts.ended += remove.run(id).changes
      tombstones.bury(tombstone)
    }
  })
  if (damaged > 0) throw new Error(`${damaged} tombstones are damaged`)
}

function carryKeys(
  source: Database.Database,
  target: Database.Database,
  counts: { revokedKeys: number; newKeys: number },
): void {
  const keys = source
    .prepare<[], ApiKey>(
      // Revoked ones first: a name is free again once its key is revoked.
      `select hash, name, created_at as createdAt, revoked_at as revokedAt from api_keys
       order by revoked_at is null, created_at`,
    )
    .all()
  const revoke = target.prepare<ApiKey>(
    'update api_keys set revoked_at = $revokedAt where hash = $hash and revoked_at is null',
  )
  const isThere = target.prepare<[string], number>('select 1 from api_keys where hash = ?').pluck()
  const isNamed = target
    .prepare<[string], number>('select 1 from api_keys where name = ? and revoked_at is null')
    .pluck()
  const add = target.prepare<ApiKey>(
    'insert into api_keys (hash, name, created_at, revoked_at) values ($hash, $name, $createdAt, $revokedAt)',
  )
  withinOne(target, () => {
    for (const key of keys) {
      const isRevoked = key.revokedAt !== null
      if (isRevoked) counts.revokedKeys += revoke.run(key).changes
      if (isThere.get(key.hash) !== undefined) continue
      let { name } = key
      for (let n = 2; !isRevoked && isNamed.get(name) !== undefined; n++) name = `${key.name}-${n}`
      add.run({ ...key, name })
      if (!isRevoked) counts.newKeys++
    }
  })
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

/** One transaction, in which what was done before a failure stays. */
function withinOne(target: Database.Database, work: () => void): void {
  target.exec('begin immediate')
  try {
    work()
  } finally {
    target.exec('commit')
  }
}
