import { hash, timingSafeEqual } from 'node:crypto'
import { nanoid } from 'nanoid'

/**
 * The token is `<id>.<secret>`: what the cookie carries. The server keeps the secret's hash only, so
 * whoever reads the file, a backup or a log holds no token.
 */
export type Token = { readonly id: string; readonly secret: string }

const ID_LENGTH = 21
const SECRET_LENGTH = 43
const TOKEN_LENGTH = ID_LENGTH + 1 + SECRET_LENGTH

/** 126 random bits for the id, 258 for the secret; ASVS 5.0 (7.2.3) asks for 128 of a token. */
export function mintToken(): Token {
  return { id: nanoid(ID_LENGTH), secret: nanoid(SECRET_LENGTH) }
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

/** Whether the secret is the one that was hashed, in a time that does not depend on the answer. */
export function secretMatches(secret: string, secretHash: string): boolean {
  return timingSafeEqual(
    Buffer.from(hashSecret(secret), 'latin1'),
    Buffer.from(secretHash, 'latin1'),
  )
}
