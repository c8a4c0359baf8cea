/** JSON pointers (RFC 6901), decoded to their tokens. */
import { quoteStart } from '../base/quote.ts'

/** Deeper than any session nests. It also bounds what recurses along a path. */
const MAX_TOKENS = 1000

/** Returns the tokens, or what is wrong with the pointer as the second half of a message. */
export function parsePointer(pointer: string): string[] | { readonly fault: string } {
  if (pointer === '') return []
  if (!pointer.startsWith('/')) {
    return { fault: `must be empty or start with "/", got ${quoteStart(pointer)}` }
  }
  if (/~(?![01])/.test(pointer)) {
    return {
      fault: `must write "~" as "~0" and "/" in a key as "~1", got ${quoteStart(pointer)}`,
    }
  }
  // Splits no further than is needed to see that there are too many.
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
