import { hash, timingSafeEqual } from 'node:crypto'
import { nanoid } from 'nanoid'

/**
 * The token is `<id>.<secret>`: what the cookie carries. The server keeps the secret's hash only, so
 * whoever reads the file, a backup or a log holds no token.
 */
export type Token = { readonly id: string; readonly secret: string }

const ID_LENGTH = 21
const SECRET_LENGTH = 43
const TOKEN = new RegExp(`^[\\w-]{${ID_LENGTH}}\\.[\\w-]{${SECRET_LENGTH}}$`)

/** 126 random bits for the id, 258 for the secret; ASVS 5.0 (7.2.3) asks for 128 of a token. */
export function mintToken(): Token {
  return { id: nanoid(ID_LENGTH), secret: nanoid(SECRET_LENGTH) }
}

/** Undefined where the text is not of a token's shape. */
export function parseToken(text: string): Token | undefined {
  if (!TOKEN.test(text)) return undefined
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
  return timingSafeEqual(Buffer.from(hashSecret(secret)), Buffer.from(secretHash))
}
