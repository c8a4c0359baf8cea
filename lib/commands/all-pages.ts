import type { Session } from '../session/session.ts'
import type { OperatorReader } from '../store/operator-store.ts'
import type { Cursor, Selection } from '../store/selection.ts'

const PAGE = 500

/** Live sessions of an app, a user or everybody, read in pages, so that no read takes long. */
export async function* readAllPages(
  reader: OperatorReader,
  which: Selection,
  now: number,
  /** Called for each session that is left out, since it cannot be read. */
  onDamaged: (id: string) => void,
): AsyncGenerator<readonly Session[]> {
  let after: Cursor | undefined
  do {
    const page = await reader.list({ ...which, after, limit: PAGE }, now)
    page.damaged.forEach(onDamaged)
    yield page.sessions
    after = page.next
  } while (after !== undefined)
}
