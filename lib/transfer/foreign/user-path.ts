/** Which member of a session's data says whose it is: `_user_id`, `passport.user`, `/passport/user`. */
import { CoatcheckError } from '../../base/errors.ts'
import { parsePointer } from '../../json/pointer.ts'
import { findMember, type JsonText, kindOf } from '../../json/json.ts'

/** The ways to read it; the first that leads to a member counts. */
export type UserPath = readonly (readonly string[])[]

/** A JSON pointer where it begins with a slash; else names with dots between, or one name with dots. */
export function parseUserPath(text: string): UserPath | { readonly fault: string } {
  if (text === '') return { fault: 'must name a member, as in _user_id or passport.user' }
  if (!text.startsWith('/')) return text.includes('.') ? [[text], text.split('.')] : [[text]]
  const pointer = parsePointer(text)
  return 'fault' in pointer ? pointer : [pointer]
}

/**
 * The user's name, of a string or an integer; undefined where the member is absent or null: nobody is
 * logged in. Throws `invalid_argument` for a member of another kind.
 */
export function findUser(data: JsonText, path: UserPath): string | undefined {
  for (const names of path) {
    const value = follow(data, names)?.trim()
    if (value === undefined || value === 'null') continue
    if (kindOf(value) === 'string') return String(JSON.parse(value))
    if (/^-?\d+$/.test(value)) return value
    const kind = kindOf(value) === 'number' ? 'a number that is no integer' : kindOf(value)
    throw new CoatcheckError(
      'invalid_argument',
      `Cannot read the session: its user must be a string or an integer, it is ${kind}`,
      {},
      { hint: 'user_member' },
    )
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
