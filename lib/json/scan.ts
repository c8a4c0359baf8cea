/**
 * Steps over JSON text without decoding it. The text is taken to be valid; where it is not, the
 * scan still ends, at the end of the text.
 */

export const QUOTE = 0x22
export const BACKSLASH = 0x5c
export const OPEN_BRACKET = 0x5b
export const CLOSE_BRACKET = 0x5d
export const OPEN_BRACE = 0x7b
export const CLOSE_BRACE = 0x7d
const COMMA = 0x2c
const SPACE = 0x20

/** Where the next significant character stands. */
export function skipSpace(text: string, start: number): number {
  let at = start
  // Outside strings, white space is all that JSON has at or below the space.
  while (text.charCodeAt(at) <= SPACE) at++
  return at
}

/** The search for a quote is quick in a long string, but takes a while to begin. */
const SHORT_STRING = 16

/** One past the closing quote of the string whose opening quote stands at `start`. */
export function endOfString(text: string, start: number): number {
  let at = start + 1
  for (let code = text.charCodeAt(at); code !== QUOTE; code = text.charCodeAt(at)) {
    if (at - start > SHORT_STRING && code !== BACKSLASH) {
      const end = text.indexOf('"', at)
      if (end === -1) return text.length
      if (text.charCodeAt(end - 1) !== BACKSLASH) return end + 1
      return endOfEscapedString(text, at)
    }
    at += code === BACKSLASH ? 2 : 1
    if (at >= text.length) return text.length
  }
  return at + 1
}

/** The same from a place within it, character by character: a quote may be one of many escaped ones. */
function endOfEscapedString(text: string, from: number): number {
  let at = from
  while (at < text.length && text.charCodeAt(at) !== QUOTE) {
    at += text.charCodeAt(at) === BACKSLASH ? 2 : 1
  }
  return Math.min(at + 1, text.length)
}

/** Where the comma or bracket stands that ends the value which starts at `start`. */
export function endOfValue(text: string, start: number): number {
  const length = text.length
  let depth = 0
  let at = start
  while (at < length) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      at = endOfString(text, at)
      continue
    }
    if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      depth++
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      if (depth === 0) return at
      depth--
    } else if (code === COMMA && depth === 0) {
      return at
    }
    at++
  }
  return length
}

/**
 * How deep arrays and objects nest: 0 for `1`, 1 for `[]`. It stops counting one past `limit`, and
 * takes any text, valid or not, so that it can come before the parser.
 */
export function depthOf(text: string, limit = Infinity): number {
  const length = text.length
  let depth = 0
  let deepest = 0
  let at = 0
  while (at < length && deepest <= limit) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      at = endOfString(text, at)
      continue
    }
    if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      depth++
      if (depth > deepest) deepest = depth
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      depth--
    }
    at++
  }
  return deepest
}
