/** Where imported sessions go to: the data file, or nowhere in a dry run, which counts the same. */
import type { Session } from '../session/session.ts'
import { createMissingFile } from '../store-sqlite/operator/command-database.ts'
import { openFileAccess, openReaderOfFileToCome } from '../store-sqlite/operator/file-access.ts'
import type { Inserted } from '../store/store.ts'

export type ImportTarget = {
  /** Returns how many of them were not there; the others are left as they are. */
  insert(sessions: readonly Session[], now: number): number
  close(): void
}

/**
 * Makes the file where there is none: sessions often move to a machine where no server has run yet.
 * Throws a `StorageError` as `openFileAccess` does.
 */
export function openTarget(dataPath: string): ImportTarget {
  createMissingFile(dataPath)
  const file = openFileAccess(dataPath)
  return {
    insert(sessions) {
      const requests = sessions.map((session) => ({ kind: 'insert', session, seenAt: 0 }) as const)
      return file.write(requests).filter((answer) => (answer as Inserted).inserted).length
    },
    close: () => file.close(),
  }
}

/** Throws as `openTarget` would, but needs nothing that can be written, and makes nothing. */
export function openDryTarget(dataPath: string): ImportTarget {
  const { reader, close } = openReaderOfFileToCome(dataPath)
  return {
    insert: (sessions, now) =>
      sessions.filter(({ id }) => reader.find(id, now, 0).state === 'absent').length,
    close,
  }
}
