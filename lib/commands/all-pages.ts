import type { Session } from '../session/session.ts'
import { guarded } from '../store-sqlite/database/storage-error.ts'
import type { FileAccess } from '../store-sqlite/operator/file-access.ts'

const PAGE = 500

/** Live sessions of one user or of everybody, read in pages, so that no read holds the file for long. */
export function* readAllPages(
  { reader }: Pick<FileAccess, 'reader'>,
  dataPath: string,
  sub: string | undefined,
  now: number,
  /** Told of each session that is left out, for it cannot be read. */
  onDamaged: (id: string) => void,
): Generator<readonly Session[]> {
  let after: number | undefined
  do {
    const query = { sub, after, limit: PAGE }
    const page = guarded(dataPath, () => reader.list(query, now, () => 0))
    page.damaged.forEach(onDamaged)
    yield page.sessions
    after = page.next
  } while (after !== undefined)
}
