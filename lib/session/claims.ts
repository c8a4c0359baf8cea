import { CoatcheckError } from '../base/errors.ts'
import { findMember, type JsonText } from '../json/json.ts'

/** As long as OpenID Connect lets a `sub` be; it travels in a header. */
const SUB_LIMIT_BYTES = 255

const CONTROL_CHARACTER = /[\x00-\x1f\x7f]/

/** Whose session it is: `claims.sub`, RFC 7519 section 4.1.2; undefined where nobody's yet. */
export function findSub(claims: JsonText): string | undefined {
  // Most sessions have none, and every write asks.
  const sub = claims === '{}' ? undefined : findMember(claims, 'sub')
  return sub === undefined ? undefined : String(JSON.parse(sub))
}

/** Throws `invalid_claims` unless `sub`, where there is one, can stand in an index and a header. */
export function checkClaims(claims: JsonText): void {
  const text = findMember(claims, 'sub')
  if (text === undefined) return
  const sub: unknown = JSON.parse(text)
  if (typeof sub !== 'string') {
    throw invalidSub(`got ${sub === null ? 'null' : Array.isArray(sub) ? 'array' : typeof sub}`)
  }
  const bytes = Buffer.byteLength(sub)
  if (bytes === 0 || bytes > SUB_LIMIT_BYTES) throw invalidSub(`got ${bytes} bytes`)
  if (CONTROL_CHARACTER.test(sub)) throw invalidSub('got a control character')
  // A header is trimmed on its way, and " ada" must not become "ada" there.
  if (sub !== sub.trim()) throw invalidSub('got a space at its start or end')
  if (!sub.isWellFormed()) throw invalidSub('got half a surrogate pair')
}

function invalidSub(given: string): CoatcheckError {
  return new CoatcheckError(
    'invalid_claims',
    `Cannot use claims.sub: it must be a string of 1 to ${SUB_LIMIT_BYTES} bytes of printable ` +
      `characters, ${given}; leave it out where the user is not known`,
  )
}
