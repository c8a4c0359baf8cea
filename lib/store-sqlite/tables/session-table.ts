/** The sessions' rows as the writer changes them, each with its checksum. */
import type Database from 'better-sqlite3'
import { differsInDataAlone, expiresAt, type Session, touchSession } from '../../session/session.ts'
import { damagedSession } from '../database/sqlite-errors.ts'
import type { WriteCounts } from '../counts.ts'
import type { WrittenSessions } from '../memory.ts'
import { checksumOf } from './checksum.ts'
import { fieldsOf, SESSION_FIELDS } from './rows.ts'

export type TableEvents = {
  /** Told before each statement that writes. */
  readonly onWrite: () => void
  /** Told of an id whose row was inserted or deleted. */
  readonly onRemade: (id: string) => void
}

export type SessionTable = {
  /** False, and nothing inserted, where there is a session or a tombstone of this id. */
  tryInsert(session: Session, sub: string | undefined): boolean
  /** Replaces `before` with `after`, under its new id where it got one. */
  update(before: Session, after: Session): void
  assign(id: string, sub: string | undefined): void
  touch(id: string, seenAt: number): void
  delete(id: string): void
  /** Deletes the row of this number, which is that of the session with this id. */
  deleteRow(number: number, id: string): void
  /** Makes the sweep look at the session again when it expires. */
  putOff(number: number): void
  /** Makes the sweep look at the session at this time, whatever is in its row. */
  putOffUntil(number: number, until: number): void
}

export function createSessionTable(
  database: Database.Database,
  written: WrittenSessions,
  { onWrite, onRemade }: TableEvents,
  counts: Pick<WriteCounts, 'addFor'>,
): SessionTable {
  const sql = prepareStatements(database)

  return {
    tryInsert(session, sub) {
      onWrite()
      const fields = fieldsOf(session)
      const others = [checksumOf(session), expiresAt(session), sub ?? null]
      const isInserted = sql.insert.run(session.id, ...fields, ...others).changes === 1
      if (isInserted) {
        onRemade(session.id)
        counts.addFor(session.id, 'sessions')
        counts.addFor(session.id, 'created')
      }
      return isInserted
    },
    update(before, after) {
      onWrite()
      const { changes } = differsInDataAlone(before, after)
        ? sql.updateData.run(
            after.data,
            after.lastSeenAt,
            after.version,
            checksumOf(after),
            before.id,
          )
        : sql.update.run(...changingColumns(after), before.id)
      counts.addFor(before.id, 'changed')
      if (changes !== 1) {
        written.delete(before.id)
        // Damage: no row has this id, though one was found by its content or remembered.
        throw damagedSession(before.id)
      }
      if (expiresAt(after) < expiresAt(before)) sql.sweepEarlier.run(before.id)
      if (after.id !== before.id) {
        written.delete(before.id)
        onRemade(before.id)
        sql.rename.run(after.id, after.secretHash, before.id)
      }
      written.set(after)
    },
    assign(id, sub) {
      onWrite()
      sql.assign.run(sub ?? null, id)
    },
    touch(id, seenAt) {
      onWrite()
      counts.addFor(id, 'touched', sql.touch.run({ id, seenAt }).changes)
      const session = written.get(id)
      if (session !== undefined) written.set(touchSession(session, seenAt))
    },
    delete(id) {
      onWrite()
      onRemade(id)
      counts.addFor(id, 'sessions', -sql.remove.run(id).changes)
      // control: ended-forgotten
      written.delete(id)
    },
    deleteRow(number, id) {
      onWrite()
      onRemade(id)
      counts.addFor(id, 'sessions', -sql.removeRow.run(number).changes)
      written.delete(id)
    },
    putOff(number) {
      onWrite()
      sql.putOff.run(number)
    },
    putOffUntil(number, until) {
      onWrite()
      sql.putOffUntil.run(until, number)
    },
  }
}

function prepareStatements(database: Database.Database) {
  return {
    // Beside a tombstone the id becomes null, which the column does not allow: the row is ignored, as
    // one is whose id is in use. `insert … select` would be plainer, but could insert many
    // rows, for which SQLite copies each page before it changes it.
    insert: database.prepare(
      // control: create-never-overwrites
      `insert or ignore into sessions (${SESSION_FIELDS}, checksum, sweep_at, sub)
       values ((select ? where not exists (select 1 from tombstones where id = ?)),
         ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    update: database.prepare(
      `update sessions set data = ?, claims = ?, permanent = ?, last_seen_at = ?,
         idle_timeout_ms = ?, lifetime_ms = ?, own_idle_timeout = ?, own_lifetime = ?,
         keep_ended_ms = ?, version = ?, checksum = ? where id = ?`,
    ),
    // Most updates: fewer columns are fewer values to bind.
    updateData: database.prepare(
      'update sessions set data = ?, last_seen_at = ?, version = ?, checksum = ? where id = ?',
    ),
    rename: database.prepare('update sessions set id = ?, secret_hash = ? where id = ?'),
    assign: database.prepare('update sessions set sub = ? where id = ?'),
    touch: database.prepare<{ id: string; seenAt: number }>(
      `update sessions set checksum = checksum + ($seenAt - last_seen_at), last_seen_at = $seenAt
       where id = $id and last_seen_at < $seenAt`,
    ),
    removeRow: database.prepare('delete from sessions where number = ?'),
    remove: database.prepare('delete from sessions where id = ?'),
    // A row's `sweep_at` is never later than its `expires_at`.
    sweepEarlier: database.prepare(
      'update sessions set sweep_at = min(sweep_at, expires_at) where id = ?',
    ),
    putOff: database.prepare('update sessions set sweep_at = expires_at where number = ?'),
    putOffUntil: database.prepare('update sessions set sweep_at = ? where number = ?'),
  }
}

/** In the order of the statement `update`. */
function changingColumns(session: Session): (string | number | null)[] {
  return [
    session.data,
    session.claims,
    Number(session.permanent),
    session.lastSeenAt,
    session.idleTimeoutMs,
    session.lifetimeMs,
    Number(session.ownIdleTimeout),
    Number(session.ownLifetime),
    session.keepEndedMs ?? null,
    session.version,
    checksumOf(session),
  ]
}
