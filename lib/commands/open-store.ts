/**
 * The one place that knows the stores of the commands: which one is meant is decided here. The driver of
 * PostgreSQL is loaded for those alone that want it.
 */
import type { Data, Database } from '../settings/data.ts'
import type { Inspections } from '../store/inspection.ts'
import type { OperatorStores } from '../store/operator-store.ts'
import { placeAddon } from '../store-sqlite/database/addon.ts'
import { sqliteOperatorStores } from '../store-sqlite/operator/beside-server.ts'
import { sqliteInspections } from '../store-sqlite/operator/inspection.ts'

export const stores: OperatorStores<Data> = {
  openReader: (data) =>
    choose(data, sqliteOperatorStores.openReader, async (database) =>
      (await loadPostgres()).openReader(database),
    ),
  openReaderOrEmpty: (data) =>
    choose(data, sqliteOperatorStores.openReaderOrEmpty, async (database) =>
      (await loadPostgres()).openReaderOrEmpty(database),
    ),
  openStore: (data) =>
    choose(data, sqliteOperatorStores.openStore, async (database) =>
      (await loadPostgres()).openStore(database),
    ),
  openOrCreateStore: (data) =>
    choose(data, sqliteOperatorStores.openOrCreateStore, async (database) =>
      (await loadPostgres()).openOrCreateStore(database),
    ),
}

export const inspections: Inspections<Data> = {
  openStatistics: (data) =>
    choose(data, sqliteInspections.openStatistics, async (database) =>
      (await loadInspections()).openStatistics(database),
    ),
  openCheck: (data, onFinding) =>
    choose(
      data,
      (path) => sqliteInspections.openCheck(path, onFinding),
      async (database) => (await loadInspections()).openCheck(database, onFinding),
    ),
}

/** To be called before a command opens any data. */
export function prepareForData(data: Data): void {
  if (data.kind === 'file') placeAddon(data.path, { keep: false })
}

async function choose<T>(
  data: Data,
  openFile: (path: string) => Promise<T>,
  openDatabase: (database: Database) => Promise<T>,
): Promise<T> {
  return data.kind === 'file' ? await openFile(data.path) : await openDatabase(data)
}

async function loadPostgres() {
  return (await import('../store-postgres/operator.ts')).postgresOperatorStores
}

async function loadInspections() {
  return (await import('../store-postgres/inspection.ts')).postgresInspections
}
