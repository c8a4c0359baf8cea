/** Looks for secrets in bytes: as they are, in base64, in hex and URL-encoded. */

/** So much of a secret is a find: 16 random characters come about by no chance. */
const FRAGMENT = 16
const PREFIX = 8
const BLOOM_BITS = 20

export type SecretSearch = {
  add(secret: string): void
  readonly size: number
  /** The encodings in which some part of a secret stands in the bytes, one for each place. */
  findIn(bytes: Buffer): string[]
}

type Needle = { readonly encoding: string; readonly bytes: Buffer }

export function createSecretSearch(): SecretSearch {
  const secrets = new Set<string>()
  /** By how they begin, a byte a character. */
  const needles = new Map<string, Needle[]>()
  /** Whether some needle may begin so: spares nearly every look into the map. */
  const bloom = new Uint8Array(1 << BLOOM_BITS)

  function addNeedle(encoding: string, text: string): void {
    const bytes = Buffer.from(text, 'latin1')
    const prefix = text.slice(0, PREFIX)
    const same = needles.get(prefix) ?? []
    needles.set(prefix, [...same, { encoding, bytes }])
    bloom[bloomPlace(bytes.readUInt32BE(0), bytes.readUInt32BE(4))] = 1
  }

  return {
    get size() {
      return secrets.size
    },

    add(secret) {
      if (secrets.has(secret) || secret.length < FRAGMENT) return
      secrets.add(secret)
      const middle = Math.floor((secret.length - FRAGMENT) / 2)
      for (const start of new Set([0, middle, secret.length - FRAGMENT])) {
        const fragment = secret.slice(start, start + FRAGMENT)
        for (const [encoding, text] of encodingsOf(fragment)) addNeedle(encoding, text)
      }
    },

    findIn(bytes) {
      const found: string[] = []
      let [high, low] = [0, 0]
      for (let at = 0; at < bytes.length; at++) {
        high = ((high << 8) | (low >>> 24)) >>> 0
        low = ((low << 8) | (bytes[at] ?? 0)) >>> 0
        if (bloom[bloomPlace(high, low)] !== 1) continue
        const start = at + 1 - PREFIX
        if (start < 0) continue
        for (const needle of needles.get(bytes.toString('latin1', start, at + 1)) ?? []) {
          const there = bytes.subarray(start, start + needle.bytes.length)
          if (there.equals(needle.bytes)) found.push(needle.encoding)
        }
      }
      return found
    },
  }
}

function bloomPlace(high: number, low: number): number {
  return (Math.imul(high, 0x9e3779b1) ^ Math.imul(low, 0x85ebca6b)) >>> (32 - BLOOM_BITS)
}

function encodingsOf(fragment: string): [encoding: string, text: string][] {
  const bytes = Buffer.from(fragment, 'latin1')
  const hex = bytes.toString('hex')
  const escapes = hex.replaceAll(/../g, '%$&')
  const encodings: [string, string][] = [
    ['raw', fragment],
    ['hex', hex],
    ['hex', hex.toUpperCase()],
    ['URL-encoded', escapes],
    ['URL-encoded', escapes.toUpperCase()],
    ['UTF-16', Buffer.from(fragment, 'utf16le').toString('latin1')],
  ]
  // Base64 takes three bytes at a time, and what it makes of some depends on how many are before.
  for (const skipped of [0, 1, 2]) {
    const whole = bytes.subarray(skipped, skipped + 3 * Math.floor((bytes.length - skipped) / 3))
    for (const alphabet of ['base64', 'base64url'] as const) {
      encodings.push(['base64', whole.toString(alphabet)])
    }
  }
  return [...new Map(encodings.map((pair) => [pair[1], pair])).values()]
}
