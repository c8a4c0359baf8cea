/** Sessions' rows as the writer writes them, each with its checksum. */
import type Database from 'better-sqlite3'
import { expiresAt, type Session, touchSession } from '../../session/session.ts'
import { checksumOf } from './checksum.ts'
import { damagedSession } from '../database/sqlite-errors.ts'
import type { WrittenSessions } from '../writer/written-sessions.ts'

export type SessionTable = {
  /** False, and no row is written, where there is anything of this id, a trace of it even. */
  tryInsert(session: Session, sub: string | undefined): boolean
  /** The session after a change, in place of what it was before. */
  update(before: Session, after: Session): void
  assign(id: string, sub: string | undefined): void
  touch(id: string, seenAt: number): void
  delete(id: string): void
  /** The row of this number, which is the session's of this id. */
  deleteRow(number: number, id: string): void
  /** Lets the sweep look at the session again when it expires. */
  putOff(number: number): void
  /** Lets the sweep look at the session at this time, whatever its row says. */
  putOffUntil(number: number, until: number): void
}

export type SessionTableEvents = {
  /** Told before each statement that writes. */
  readonly onWrite: () => void
  /** Told of an id whose row goes or comes. */
  readonly onRemade: (id: string) => void
}

export function createSessionTable(
  database: Database.Database,
  written: WrittenSessions,
  { onWrite, onRemade }: SessionTableEvents,
): SessionTable {
  // Beside a tombstone the id is null, which no column here may be: so the row is passed over, as it is
  // where the id is in use. An `insert … select` says it better, but may be of many rows, and for those
  // SQLite copies each page before it changes it.
  const insert = database.prepare(
    `insert or ignore into sessions (data, claims, permanent, last_seen_at, idle_timeout_ms,
       lifetime_ms, own_idle_timeout, own_lifetime, version, checksum, id, secret_hash, sweep_at, created_at, sub, device)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
       (select ? where not exists (select 1 from tombstones where id = ?)), ?, ?, ?, ?, ?)`,
  )
  const update = database.prepare(
    `update sessions set data = ?, claims = ?, permanent = ?, last_seen_at = ?,
       idle_timeout_ms = ?, lifetime_ms = ?, own_idle_timeout = ?, own_lifetime = ?, version = ?,
       checksum = ? where id = ?`,
  )
  const updateData = database.prepare(
    'update sessions set data = ?, last_seen_at = ?, version = ?, checksum = ? where id = ?',
  )
  const rename = database.prepare('update sessions set id = ?, secret_hash = ? where id = ?')
  const assign = database.prepare('update sessions set sub = ? where id = ?')
  const touch = database.prepare<{ id: string; seenAt: number }>(
    `update sessions set checksum = checksum + ($seenAt - last_seen_at), last_seen_at = $seenAt
     where id = $id and last_seen_at < $seenAt`,
  )
  const removeRow = database.prepare('delete from sessions where number = ?')
  const remove = database.prepare('delete from sessions where id = ?')
  const sweepEarlier = database.prepare(
    'update sessions set sweep_at = min(sweep_at, expires_at) where id = ?',
  )
  const putOff = database.prepare('update sessions set sweep_at = expires_at where number = ?')
  const putOffUntil = database.prepare('update sessions set sweep_at = ? where number = ?')

  return {
    tryInsert(session, sub) {
      const { id, secretHash, createdAt, device } = session
      onWrite()
      const key = [id, id, secretHash, expiresAt(session), createdAt, sub ?? null, device]
      const isInserted = insert.run(...changingColumns(session), ...key).changes === 1
      if (isInserted) onRemade(id)
      return isInserted
    },
    update(before, after) {
      onWrite()
      const { changes } = hasOtherDataOnly(before, after)
        ? updateData.run(after.data, after.lastSeenAt, after.version, checksumOf(after), before.id)
        : update.run(...changingColumns(after), before.id)
      if (changes !== 1) {
        written.delete(before.id)
        // A row that is there by its content and not by its id, or was remembered and is there no more.
        throw damagedSession(before.id)
      }
      if (expiresAt(after) < expiresAt(before)) sweepEarlier.run(before.id)
      if (after.id !== before.id) {
        written.delete(before.id)
        onRemade(before.id)
        rename.run(after.id, after.secretHash, before.id)
      }
      written.set(after)
    },
    assign(id, sub) {
      onWrite()
      assign.run(sub ?? null, id)
    },
    touch(id, seenAt) {
      onWrite()
      touch.run({ id, seenAt })
      const session = written.get(id)
      if (session !== undefined) written.set(touchSession(session, seenAt))
    },
    delete(id) {
      onWrite()
      onRemade(id)
      remove.run(id)
      written.delete(id)
    },
    deleteRow(number, id) {
      onWrite()
      onRemade(id)
      removeRow.run(number)
      written.delete(id)
    },
    putOff(number) {
      onWrite()
      putOff.run(number)
    },
    putOffUntil(number, until) {
      onWrite()
      putOffUntil.run(until, number)
    },
  }
}

/** As most writes leave it: of the columns that may change, those that a `PUT` of a key does. */
function hasOtherDataOnly(before: Session, after: Session): boolean {
  return (
    after.claims === before.claims &&
    after.permanent === before.permanent &&
    after.idleTimeoutMs === before.idleTimeoutMs &&
    after.lifetimeMs === before.lifetimeMs &&
    after.ownIdleTimeout === before.ownIdleTimeout &&
    after.ownLifetime === before.ownLifetime
  )
}

function changingColumns(session: Session): (string | number)[] {
  return [
    session.data,
    session.claims,
    Number(session.permanent),
    session.lastSeenAt,
    session.idleTimeoutMs,
    session.lifetimeMs,
    Number(session.ownIdleTimeout),
    Number(session.ownLifetime),
    session.version,
    checksumOf(session),
  ]
}
