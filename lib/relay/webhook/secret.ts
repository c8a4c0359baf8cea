/** Secrets of Standard Webhooks 1.0: `whsec_` and the base64 of 24 to 64 random bytes. */
import { RelayError } from '../relay-error.ts'

const PREFIX = 'whsec_'
const LEAST_BYTES = 24
const MOST_BYTES = 64
const SHAPE = `${PREFIX} and the base64 of ${LEAST_BYTES} to ${MOST_BYTES} bytes`
const WAY_OUT = `make one with: echo "${PREFIX}$(openssl rand -base64 32)"`

/**
 * The key that signs. White space around the secret counts for nothing. Throws a `RelayError` for
 * anything else; `place` is where it is from, and nothing of it is told.
 */
export function readSecret(text: string, place: string): Buffer {
  const secret = text.trim()
  const fail = (found: string): never => {
    throw new RelayError(
      'usage',
      `Cannot use the secret in ${place}: it must be ${SHAPE}, it ${found}; ${WAY_OUT}`,
    )
  }
  if (secret === '') fail('is empty')
  if (/\s/.test(secret)) fail('has several words or lines; put each secret into a file of its own')
  if (!secret.startsWith(PREFIX)) fail(`does not begin with ${PREFIX}`)
  const base64 = secret.slice(PREFIX.length)
  const key = Buffer.from(base64, 'base64')
  // Node skips what is no base64, and another decoder would get another key.
  if (key.toString('base64').replace(/=+$/, '') !== base64.replace(/={0,2}$/, '')) {
    fail('is not in base64')
  }
  // control: webhook-secret-length
  if (key.length < LEAST_BYTES || key.length > MOST_BYTES) fail(`has ${key.length} bytes`)
  return key
}
