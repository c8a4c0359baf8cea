import { join } from 'node:path'
import Database from 'better-sqlite3'
import { systemClock } from '../../../lib/base/clock.ts'
import {
  createFile,
  openWriterDatabase,
  prepareDatabase,
} from '../../../lib/store-sqlite/database/database.ts'
import { createWriter } from '../../../lib/store-sqlite/writer/writer.ts'
import { hashSecret } from '../../../lib/session/token.ts'
import type { Session } from '../../../lib/session/session.ts'
import { DAY, LIMITS } from './limits.ts'
import { sealRows } from './seal-rows.ts'
import { makeFolder } from '../process/spawn-server.ts'

/** The `n`th id of `makeSessionFile`. */
export function idOf(n: number): string {
  return `session-${String(n).padStart(13, '0')}`
}

/** A data file with so many sessions, which have just begun and live for a day. */
export function makeSessionFile(
  count: number,
  {
    path = join(makeFolder(), 'sessions.db'),
    data = '{"kept":"to itself"}',
    now = systemClock.now(),
  } = {},
): string {
  createFile(path)
  prepareDatabase(path)
  const database = openWriterDatabase(path, 'relaxed')
  const writer = createWriter(database, LIMITS, DAY)
  const sessions = Array.from({ length: count }, (_, n) => sessionOf(n, now, data))
  writer.run(sessions.map((session) => ({ kind: 'insert', session, seenAt: 0 })))
  database.close()
  return path
}

/** The ids in a file, in the order in which they came; leaves nothing beside it. */
export function idsIn(path: string): string[] {
  const database = new Database(path)
  const ids = database.prepare<[], string>('select id from sessions order by number').pluck().all()
  database.close()
  return ids
}

/** Changes a file as no server would, but for the checksums of the sessions in it. */
export function tamper(path: string, sql: string): void {
  const database = new Database(path)
  database.unsafeMode()
  database.exec(sql)
  if (hasChecksums(database)) sealRows(database)
  database.close()
}

function hasChecksums(database: Database.Database): boolean {
  return (
    database
      .prepare("select 1 from pragma_table_info('sessions') where name = 'checksum'")
      .get() !== undefined
  )
}

/** Makes the index of the sweep disagree with its rows, which SQLite's quick check does not see. */
export function damageIndex(path: string): void {
  const index = `name = 'sessions_by_sweep'`
  const hidden = new Database(path)
  hidden.unsafeMode()
  hidden.pragma('writable_schema = on')
  const row = hidden
    .prepare(`select type, name, tbl_name, rootpage, sql from sqlite_schema where ${index}`)
    .get()
  hidden.exec(`delete from sqlite_schema where ${index}`)
  hidden.close()
  tamper(path, `update sessions set sweep_at = sweep_at + 1 where id = '${idOf(0)}'`)
  const shown = new Database(path)
  shown.unsafeMode()
  shown.pragma('writable_schema = on')
  shown
    .prepare('insert into sqlite_schema values ($type, $name, $tbl_name, $rootpage, $sql)')
    .run(row)
  shown.close()
}

function sessionOf(n: number, now: number, data: string): Session {
  return {
    id: idOf(n),
    secretHash: hashSecret(String(n)),
    data,
    claims: n % 2 === 0 ? '{}' : `{"sub":"user-${n % 3}"}`,
    permanent: n % 5 === 0,
    createdAt: now,
    lastSeenAt: now,
    idleTimeoutMs: DAY,
    lifetimeMs: DAY,
    ownIdleTimeout: false,
    ownLifetime: false,
    version: 1,
    device: null,
  }
}
