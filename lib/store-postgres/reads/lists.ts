/** Lists and counts, in the order in which sessions came. */
import { CoatcheckError } from '../../base/errors.ts'
import { isLive, type Session, touchSession } from '../../session/session.ts'
import type { Cursor, Selection } from '../../store/selection.ts'
import type { ListQuery, Page } from '../../store/store.ts'
import { parseRow } from '../tables/rows.ts'
import { COUNT, LIST, type Whose } from '../tables/statements.ts'
import type { Reads } from './reads.ts'

/** A page ends after so many characters of sessions. */
const PAGE_CHARACTERS = 1024 * 1024
/** So many rows take some milliseconds. */
const COUNT_ROWS = 10_000

export type Lists = {
  list(query: ListQuery, now: number): Promise<Page>
  /** `live` of them at `now`, by what the database knows; `all`: also those that wait for the sweep. */
  count(which: Selection, now: number): Promise<Counted>
  /** The first thousands behind `after`, 0 for the first of all. */
  countPiece(which: Selection, now: number, after: number): Promise<CountedPiece>
}

export type Counted = { readonly live: number; readonly all: number }
/** `next`: what to go on after; undefined after the last. */
export type CountedPiece = Counted & { readonly next: number | undefined }

export function createLists(reads: Reads, seenAt: (id: string) => number): Lists {
  async function countPiece({ app, sub }: Selection, now: number, after: number) {
    const values = [app ?? null, sub ?? null, after, COUNT_ROWS, now]
    const { rows } = await reads.ask(COUNT[whose({ app, sub })], values)
    const [live, all, last] = rows[0] ?? []
    const isLast = Number(all) < COUNT_ROWS
    return { live: Number(live), all: Number(all), next: isLast ? undefined : Number(last) }
  }

  return {
    async list({ app, sub, after, limit }, now) {
      const start = parseListCursor(after)
      const values = [app ?? null, sub ?? null, start, limit + 1]
      const { rows } = await reads.ask(LIST[whose({ app, sub })], values)
      const sessions: Session[] = []
      let characters = 0
      let last = start
      for (const [at, fields] of rows.entries()) {
        if (at === limit || characters >= PAGE_CHARACTERS) {
          return { sessions, damaged: [], next: String(last) }
        }
        const row = parseRow(fields)
        const session = touchSession(
          row.session,
          row.ended === undefined ? seenAt(row.session.id) : 0,
        )
        if (row.ended === undefined && isLive(session, now)) sessions.push(session)
        characters += session.data.length + session.claims.length
        last = row.number
      }
      return { sessions, damaged: [], next: undefined }
    },

    async count(which, now) {
      const counted = { live: 0, all: 0 }
      let next: number | undefined = 0
      while (next !== undefined) {
        const piece: CountedPiece = await countPiece(which, now, next)
        counted.live += piece.live
        counted.all += piece.all
        next = piece.next
      }
      return counted
    },

    countPiece,
  }
}

export function whose({ app, sub }: Selection): Whose {
  if (app === undefined) return sub === undefined ? 'all' : 'ofSub'
  return sub === undefined ? 'ofApp' : 'ofSubInApp'
}

/** Before all rows where there is no cursor; throws `invalid_argument` for what is none of ours. */
export function parseListCursor(cursor: Cursor | undefined): number {
  if (cursor === undefined) return 0
  const number = /^\d{1,16}$/.test(cursor) ? Number(cursor) : NaN
  if (Number.isSafeInteger(number)) return number
  throw new CoatcheckError(
    'invalid_argument',
    'Cannot read the cursor of the list: it must be the "next" of the page before',
  )
}
