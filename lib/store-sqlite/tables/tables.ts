/** The tables as the writer changes them; whoever only reads goes by `reader.ts`. */
import type Database from 'better-sqlite3'
import type { WrittenSessions } from '../memory.ts'
import { type ApiKeyTable, createApiKeyTable } from './api-key-table.ts'
import { createSessionTable, type SessionTable, type TableEvents } from './session-table.ts'
import { createTombstoneTable, type TombstoneTable } from './tombstone-table.ts'

export type Tables = {
  readonly sessions: SessionTable
  readonly tombstones: TombstoneTable
  readonly apiKeys: ApiKeyTable
}

export function createTables(
  database: Database.Database,
  written: WrittenSessions,
  events: TableEvents,
): Tables {
  return {
    sessions: createSessionTable(database, written, events),
    tombstones: createTombstoneTable(database, events.onWrite),
    apiKeys: createApiKeyTable(database),
  }
}
