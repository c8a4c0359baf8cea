import * as crypto from 'node:crypto'

/** At half the cost, from Node 20.12 on. */
const { hash } = crypto as { hash?: typeof crypto.hash }

/** In base64url, 43 characters. */
export function sha256(text: string): string {
  if (hash !== undefined) return hash('sha256', text, 'base64url')
  return crypto.createHash('sha256').update(text).digest('base64url')
}
