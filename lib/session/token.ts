import { hash, timingSafeEqual } from 'node:crypto'
import { nanoid } from 'nanoid'
import { createRecent } from '../base/recent.ts'
import { fullId, LONGEST_APP } from './session-id.ts'

/**
 * The token is `<full id>.<secret>`, the value of the cookie. The server keeps only a hash of the
 * secret, so nobody gets a token from the file, a backup or a log.
 */
export type Token = { readonly id: string; readonly secret: string }

const ID_LENGTH = 21
/** From the year 2059 on it is 9, with one random character less. */
const TIME_LENGTH = 8
const SECRET_LENGTH = 43

/**
 * 78 random bits for the id, 258 for the secret; ASVS 5.0 (7.2.3) asks for 128 of a token. `now`: in
 * ms since the Unix epoch; `app`: undefined for the app without a name.
 */
export function mintToken(now: number, app: string | undefined): Token {
  return { id: fullId(app, mintId(now)), secret: nanoid(SECRET_LENGTH) }
}

/**
 * Begins with the time in sortable digits, as a UUID of version 7 does (RFC 9562): new ids are
 * neighbours in the index, so a batch of creates writes one page of it, not one for each id. No id
 * begins with a dash, which a command would take for a flag.
 */
function mintId(now: number): string {
  const time = now.toString(36).padStart(TIME_LENGTH, '0')
  return time + nanoid(ID_LENGTH - time.length)
}

const HASH = /^[\w-]{43}$/

export const TOKEN_SHAPE = `ID.SECRET or APP~ID.SECRET, of ${ID_LENGTH} and ${SECRET_LENGTH} characters`

/**
 * Whether the text has the lengths, the dot and, of an app, the tilde of a token. Other characters need
 * no check: no session has such an id or secret.
 */
export function isToken(text: string): boolean {
  const dot = dotOf(text)
  if (text[dot] !== '.') return false
  const tilde = dot - ID_LENGTH - 1
  return tilde === -1 || (tilde > 0 && tilde <= LONGEST_APP && text[tilde] === '~')
}

/**
 * The parts of a token, of whatever app: the secret is what is as long as one, at the end. Any other
 * text gives, in the same time, parts that open nothing.
 */
export function splitToken(text: string): Token {
  const dot = dotOf(text)
  return dot > 0
    ? { id: text.slice(0, dot), secret: text.slice(dot + 1) }
    : { id: '', secret: text }
}

function dotOf(text: string): number {
  return text.length - SECRET_LENGTH - 1
}

export function renderToken(token: Token): string {
  return `${token.id}.${token.secret}`
}

/** The secret has 258 random bits, so a fast hash is enough: there is nothing to guess. */
export function hashSecret(secret: string): string {
  // control: only-hash-stored
  return hash('sha256', secret, 'base64url')
}

/** Whether the text can be a result of `hashSecret`. */
export function isHash(text: string): boolean {
  return HASH.test(text)
}

/** Whether the secret has this hash, in a time that does not depend on the result. */
export function secretMatches(secret: string, secretHash: string): boolean {
  // control: constant-time
  return timingSafeEqual(
    Buffer.from(hashSecret(secret), 'latin1'),
    Buffer.from(secretHash, 'latin1'),
  )
}

/** About as many as hot sessions; an entry takes about 200 bytes. */
const PROVEN_LIMIT = 20_000

const DECOY_SECRET = '0'.repeat(SECRET_LENGTH)
export const DECOY_HASH = hashSecret('no secret has this hash, for every secret has 43 characters')

export type SecretCheck = {
  /** `secretMatches`, of the secret of a live session. */
  matchesLive(secret: string, secretHash: string): boolean
  /** `secretMatches`, of any other; for a wrong secret it takes as long as that of a live session. */
  matchesOther(secret: string, secretHash: string): boolean
}

/**
 * Remembers secrets that matched lately, and compares them directly, since hashing is the most
 * expensive part of a read. A match never becomes wrong, so the end of a session invalidates nothing.
 * Secrets stay in the memory of the process.
 */
export function createSecretCheck(): SecretCheck {
  const proven = createRecent<string, string>(PROVEN_LIMIT)

  /** A wrong secret is always compared and hashed, so the time tells nothing. */
  function isProven(secret: string, secretHash: string): boolean {
    const known = proven.get(secretHash)
    const isEqual = equalInConstantTime(secret, known ?? DECOY_SECRET)
    return known !== undefined && isEqual
  }

  return {
    matchesLive(secret, secretHash) {
      if (isProven(secret, secretHash)) return true
      if (!secretMatches(secret, secretHash)) return false
      // A copy: a slice would keep the whole header in memory.
      proven.set(secretHash, Buffer.from(secret, 'latin1').toString('latin1'))
      return true
    },
    matchesOther: (secret, secretHash) =>
      isProven(secret, DECOY_HASH) || secretMatches(secret, secretHash),
  }
}

/** Whether two secrets are equal. Their length is public, so it may return early. */
function equalInConstantTime(secret: string, other: string): boolean {
  if (secret.length !== other.length) return false
  let difference = 0
  for (let at = 0; at < other.length; at++) {
    difference |= secret.charCodeAt(at) ^ other.charCodeAt(at)
  }
  return difference === 0
}
