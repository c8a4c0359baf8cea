/** Where pages of these lists go on. A cursor begins with the letter of its list: it is none of another's. */
import { CoatcheckError } from '../../base/errors.ts'
import type { Cursor } from '../../store/selection.ts'
import { BEFORE_NEWEST } from '../tables/browse-statements.ts'

/** Behind the session of this number, among those of the user with the newest first. */
export type Place = { readonly sub: string; readonly number: number }

/** Before all users whose name begins so. */
export function beforeUsers(prefix: string): Place {
  return { sub: prefix, number: BEFORE_NEWEST }
}

export function behindUser(sub: string): Place {
  return { sub, number: 0 }
}

export function renderPlace(list: string, { sub, number }: Place): Cursor {
  return `${renderNumber(list, number)}.${Buffer.from(sub).toString('base64url')}`
}

/** Throws `invalid_argument` for what is no place in this list, among users whose name begins so. */
export function parsePlace(list: string, cursor: Cursor, prefix: string): Place {
  const [number = '', name = ''] = cursor.split('.', 2)
  const sub = Buffer.from(name, 'base64url').toString('utf8')
  const place = { sub, number: parseNumber(list, number) }
  const isOurs = renderPlace(list, place) === cursor && isText(sub) && sub.startsWith(prefix)
  if (sub === '' || !isOurs) throw noCursor()
  return place
}

export function renderNumber(list: string, number: number): Cursor {
  return `${list}${number}`
}

/** Throws `invalid_argument` unless a number is all that is behind the letter. */
export function parseNumber(list: string, cursor: Cursor): number {
  const digits = cursor.startsWith(list) ? cursor.slice(list.length) : ''
  const number = /^\d{1,16}$/.test(digits) ? Number(digits) : NaN
  if (Number.isSafeInteger(number)) return number
  throw noCursor()
}

function noCursor(): CoatcheckError {
  return new CoatcheckError(
    'invalid_argument',
    'Cannot read the cursor of the list: it must be the "next" of the page before',
  )
}

/** Whether the database can have such a text: it knows no NUL. */
export function isText(text: string | undefined): boolean {
  return text === undefined || (text.isWellFormed() && !text.includes('\0'))
}

const LAST_CHARACTER = '\u{10ffff}'
/** No name and no id has more characters. */
const LONGEST = 255

/** The last text that begins so. */
export function lastFrom(prefix: string): string {
  return prefix + LAST_CHARACTER.repeat(LONGEST)
}
