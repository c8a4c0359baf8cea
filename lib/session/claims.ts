import { CoatcheckError } from '../base/errors.ts'
import { findMember, type JsonText, kindOf } from '../json/json.ts'

/** The limit of OpenID Connect. */
const SUB_LIMIT_BYTES = 255

const CONTROL_CHARACTER = /[\x00-\x1f\x7f]/

/** The user of a session: `claims.sub` (RFC 7519 section 4.1.2); undefined if there is none. */
export function findSub(claims: JsonText): string | undefined {
  // Fast path: every write asks, and most sessions have no claims.
  const sub = claims === '{}' ? undefined : findMember(claims, 'sub')
  return sub === undefined ? undefined : String(JSON.parse(sub))
}

/** Throws `invalid_claims` unless `sub` is absent or can be an index key and the value of a header. */
export function checkClaims(claims: JsonText): void {
  const text = findMember(claims, 'sub')
  if (text === undefined) return
  const kind = kindOf(text)
  if (kind !== 'string') throw invalidSub(`got ${kind}`)
  const sub = String(JSON.parse(text))
  const bytes = Buffer.byteLength(sub)
  if (bytes === 0 || bytes > SUB_LIMIT_BYTES) throw invalidSub(`got ${bytes} bytes`)
  // control: sub-without-controls
  if (CONTROL_CHARACTER.test(sub)) throw invalidSub('got a control character')
  // Proxies trim headers: " ada" must not become "ada".
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
