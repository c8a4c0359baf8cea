/** The files that SQLite and Coatcheck keep beside the data file: its name, and one of these. */

/** SQLite's: the WAL, its index, which connections share, and the journal of a file without a WAL. */
export const WAL = '-wal'
export const WAL_INDEX = '-shm'
export const JOURNAL = '-journal'

/** Held by the server that has the file open, see `lock.ts`. */
export const LOCK = '.lock'
/** Disk space for the time when the disk is full, see `space-reserve.ts`. */
export const RESERVE = '.reserve'
/** The first start's API key, unless a setting names another place. */
export const KEY_FILE = '.api-key'

/** Followed by random characters: a copy that is not finished. */
export const PARTIAL_MARK = '.partial-'
/** Followed by the time: the file that a restore has replaced. */
export const ASIDE_MARK = '.before-restore-'

/** The files that may hold writes which are not in the data file yet. */
export const WITH_WRITES: readonly string[] = [WAL, JOURNAL]

/** All that SQLite opens with the data file. */
export const OF_SQLITE: readonly string[] = [WAL, WAL_INDEX, JOURNAL]

/** All that belongs to the data file while it is in use: nothing else may take these names. */
export const OWN: readonly string[] = [...OF_SQLITE, LOCK, RESERVE, KEY_FILE]

/** The addon in the folder of the data file: a user of the machine has one, under a name of its content. */
export function addonName(user: number | string, content: string): string {
  return `.coatcheck-${user}-${content}`
}
