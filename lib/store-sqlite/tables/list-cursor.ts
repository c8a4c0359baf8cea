/** The cursor of a list: the number of the last row that was looked at. */
import { CoatcheckError } from '../../base/errors.ts'
import type { Cursor } from '../../store/selection.ts'

const DIGITS = /^\d{1,16}$/

export function renderCursor(rowNumber: number): Cursor {
  return String(rowNumber)
}

/** Before all rows where there is no cursor; throws `invalid_argument` for what is none of ours. */
export function parseCursor(cursor: Cursor | undefined): number {
  if (cursor === undefined) return 0
  const rowNumber = DIGITS.test(cursor) ? Number(cursor) : NaN
  if (Number.isSafeInteger(rowNumber)) return rowNumber
  throw new CoatcheckError(
    'invalid_argument',
    'Cannot read the cursor of the list: it must be the "next" of the page before',
  )
}
