import { hash, timingSafeEqual } from 'node:crypto'
import { nanoid } from 'nanoid'
import { createRecent } from '../base/recent.ts'

/**
 * The token is `<id>.<secret>`: what the cookie carries. The server keeps the secret's hash only, so
 * whoever reads the file, a backup or a log holds no token.
 */
export type Token = { readonly id: string; readonly secret: string }

const ID_LENGTH = 21
/** Until the year 2059; from then on one more, and one fewer that is random. */
const TIME_LENGTH = 8
const SECRET_LENGTH = 43
const TOKEN_LENGTH = ID_LENGTH + 1 + SECRET_LENGTH

/**
 * 78 random bits for the id, 258 for the secret; ASVS 5.0 (7.2.3) asks for 128 of a token. `now`: in
 * ms since the Unix epoch.
 */
export function mintToken(now: number): Token {
  return { id: mintId(now), secret: nanoid(SECRET_LENGTH) }
}

/**
 * Begins with the time, in digits that sort as the times do, as a UUID of version 7 does (RFC 9562):
 * so what is new lies side by side in the file's index, and a batch of creates writes one of its
 * pages, where wholly random ids each touch a page of their own. No id begins with a dash, which a
 * command would take for a flag.
 */
function mintId(now: number): string {
  const time = now.toString(36).padStart(TIME_LENGTH, '0')
  return time + nanoid(ID_LENGTH - time.length)
}

const ID = /^[\w-]{16,128}$/
const HASH = /^[\w-]{43}$/

export const ID_SHAPE = '16 to 128 of A-Z a-z 0-9 _ -'
export const TOKEN_SHAPE = `${TOKEN_LENGTH} characters with a dot after the first ${ID_LENGTH}`

/** Whether this can be an id, minted or chosen by a back end. A token is none: it has a dot. */
export function isId(text: string): boolean {
  return ID.test(text)
}

/**
 * Whether the text has a token's length and its dot. Its characters need no look: an id or a secret
 * with others in it is nobody's.
 */
export function isToken(text: string): boolean {
  return text.length === TOKEN_LENGTH && text[ID_LENGTH] === '.'
}

/** The parts of a token; of any other text something that opens nothing, in the same time. */
export function splitToken(text: string): Token {
  return { id: text.slice(0, ID_LENGTH), secret: text.slice(ID_LENGTH + 1) }
}

export function renderToken(token: Token): string {
  return `${token.id}.${token.secret}`
}

/** The secret has 258 random bits, so a fast hash is enough: there is nothing to guess. */
export function hashSecret(secret: string): string {
  return hash('sha256', secret, 'base64url')
}

/** Whether this can be what `hashSecret` answers. */
export function isHash(text: string): boolean {
  return HASH.test(text)
}

/** Whether the secret is the one that was hashed, in a time that does not depend on the answer. */
export function secretMatches(secret: string, secretHash: string): boolean {
  return timingSafeEqual(
    Buffer.from(hashSecret(secret), 'latin1'),
    Buffer.from(secretHash, 'latin1'),
  )
}

/** As many as sessions fit into memory: an entry takes about 200 bytes. */
const PROVEN_LIMIT = 20_000

const DECOY_SECRET = '0'.repeat(SECRET_LENGTH)

/**
 * `secretMatches` with a memory: a secret that has matched lately is compared as it is, for to hash it
 * costs more than all else that a read does. What has matched once matches always, so there is nothing
 * to forget when a session ends; and no secret leaves the memory of the process.
 */
export function createSecretCheck(): typeof secretMatches {
  const proven = createRecent<string, string>(PROVEN_LIMIT)

  return (secret, secretHash) => {
    const known = proven.get(secretHash)
    // What is wrong is compared and hashed, whatever is known: the time does not tell.
    const isEqual = equalInConstantTime(secret, known ?? DECOY_SECRET)
    if (known !== undefined && isEqual) return true
    if (!secretMatches(secret, secretHash)) return false
    // A copy: the text given is a part of a header, and would keep all of it.
    proven.set(secretHash, Buffer.from(secret, 'latin1').toString('latin1'))
    return true
  }
}

/** Whether the secret is the other one; of another length it is not, and how long one is, is no secret. */
function equalInConstantTime(secret: string, other: string): boolean {
  if (secret.length !== other.length) return false
  let difference = 0
  for (let at = 0; at < other.length; at++) {
    difference |= secret.charCodeAt(at) ^ other.charCodeAt(at)
  }
  return difference === 0
}
