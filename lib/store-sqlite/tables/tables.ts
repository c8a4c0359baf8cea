/** The tables as the writer changes them; whoever only reads goes by `reader.ts`. */
import type Database from 'better-sqlite3'
import type { WriteCounts } from '../counts.ts'
import type { WrittenSessions } from '../memory.ts'
import { type ApiKeyTable, createApiKeyTable } from './api-key-table.ts'
import { createEventTable, type EventTable } from './event-table.ts'
import { createSessionTable, type SessionTable, type TableEvents } from './session-table.ts'
import { createTombstoneTable, type TombstoneTable } from './tombstone-table.ts'

export type Tables = {
  readonly sessions: SessionTable
  readonly tombstones: TombstoneTable
  readonly apiKeys: ApiKeyTable
  readonly events: EventTable
}

export function createTables(
  database: Database.Database,
  written: WrittenSessions,
  events: TableEvents,
  counts: WriteCounts,
): Tables {
  return {
    sessions: createSessionTable(database, written, events, counts),
    tombstones: createTombstoneTable(database, events.onWrite, counts),
    apiKeys: createApiKeyTable(database),
    events: createEventTable(database, events.onWrite, counts),
  }
}
