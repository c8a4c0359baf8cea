/** The path of the member that names the user: `_user_id`, `passport.user`, `/passport/user`. */
import { parsePointer } from '../../json/pointer.ts'
import { findMember, type JsonText, kindOf } from '../../json/json.ts'
import { invalidSession } from '../invalid-session.ts'

/** Alternatives; the first that leads to a member counts. */
export type UserPath = readonly (readonly string[])[]

/** A JSON pointer if it begins with a slash; else names separated by dots, or one name with dots. */
export function parseUserPath(text: string): UserPath | { readonly fault: string } {
  if (text === '') return { fault: 'must name a member, as in _user_id or passport.user' }
  if (!text.startsWith('/')) return text.includes('.') ? [[text], text.split('.')] : [[text]]
  const pointer = parsePointer(text)
  return 'fault' in pointer ? pointer : [pointer]
}

/**
 * The user, from a string or an integer; undefined if the member is absent or null (not logged in).
 * Throws `invalid_argument` for any other kind.
 */
export function findUser(data: JsonText, path: UserPath): string | undefined {
  for (const names of path) {
    const value = follow(data, names)?.trim()
    if (value === undefined || value === 'null') continue
    if (kindOf(value) === 'string') return String(JSON.parse(value))
    if (/^-?\d+$/.test(value)) return value
    const kind = kindOf(value) === 'number' ? 'a number that is no integer' : kindOf(value)
    throw invalidSession(`its user must be a string or an integer, it is ${kind}`, {
      hint: 'user_member',
    })
  }
  return undefined
}

function follow(data: JsonText, names: readonly string[]): JsonText | undefined {
  let value: JsonText | undefined = data
  for (const name of names) {
    if (value === undefined || kindOf(value) !== 'object') return undefined
    value = findMember(value, name)
  }
  return value
}
