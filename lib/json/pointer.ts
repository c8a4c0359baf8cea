/** JSON pointers (RFC 6901), decoded to their tokens. */

/** No session nests this deep; a bound on paths is a bound on what recurses along them. */
const MAX_TOKENS = 1000

/** The tokens, or what is wrong with the pointer, as the second half of a message. */
export function parsePointer(pointer: string): string[] | { readonly fault: string } {
  if (pointer === '') return []
  if (!pointer.startsWith('/')) {
    return { fault: `must be empty or start with "/", got ${quotePointer(pointer)}` }
  }
  if (/~(?![01])/.test(pointer)) {
    return {
      fault: `must write "~" as "~0" and "/" in a key as "~1", got ${quotePointer(pointer)}`,
    }
  }
  // Of a million levels only so many are looked at that it is clear that there are too many.
  const tokens = pointer.slice(1).split('/', MAX_TOKENS + 1)
  if (tokens.length > MAX_TOKENS) {
    return { fault: `must have at most ${MAX_TOKENS} levels, got ${countLevels(pointer)}` }
  }
  if (!pointer.includes('~')) return tokens
  // In this order: "~01" is "~1", not "/".
  return tokens.map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function countLevels(pointer: string): number {
  let levels = 0
  for (let at = pointer.indexOf('/'); at !== -1; at = pointer.indexOf('/', at + 1)) levels++
  return levels
}

export function renderPointer(path: readonly string[]): string {
  return path.map((token) => `/${token.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

/** A pointer as a message may show it: on one line and not too long. */
export function quotePointer(pointer: string): string {
  return JSON.stringify(pointer.length > 64 ? `${pointer.slice(0, 63)}…` : pointer)
}
