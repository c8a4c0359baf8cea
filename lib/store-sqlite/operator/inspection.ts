/** What is in a data file; `data` names it. Each opener throws a `StorageError`. */
import type { Inspections } from '../../store/inspection.ts'
import { guarded } from '../database/storage-error.ts'
import { auditFile, auditOthers, auditSchema, auditSessions, auditWal } from './audit.ts'
import { openForReading } from './reading-database.ts'
import { countSessions, readStatistics } from './statistics.ts'

export const sqliteInspections: Inspections = {
  async openStatistics(path) {
    const { database, close } = openForReading(path)
    return {
      countSessions: async () => guarded(path, () => countSessions(database)),
      read: async (now, onSessions) =>
        guarded(path, () => readStatistics(database, path, now, onSessions)),
      close: async () => close(),
    }
  },

  async openCheck(path, onFinding) {
    // Whoever opens the file may move the WAL into it.
    const { database, close } = openForReading(path, () => auditWal(path, onFinding))
    return {
      async structure() {
        guarded(path, () => {
          auditSchema(database, onFinding)
          auditFile(database, onFinding)
        })
      },
      countSessions: async () => guarded(path, () => countSessions(database)),
      async sessions(onSessions) {
        guarded(path, () => auditSessions(database, onFinding, onSessions))
      },
      async others(onTombstones) {
        guarded(path, () => auditOthers(database, onFinding, onTombstones))
      },
      close: async () => close(),
    }
  },
}
