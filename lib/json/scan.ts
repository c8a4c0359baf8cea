/**
 * Skips over JSON text without decoding it. Expects valid text; on any other it still ends, at the end
 * of the text at the latest.
 */

export const QUOTE = 0x22
export const BACKSLASH = 0x5c
export const OPEN_BRACKET = 0x5b
export const CLOSE_BRACKET = 0x5d
export const OPEN_BRACE = 0x7b
export const CLOSE_BRACE = 0x7d
const COMMA = 0x2c
const SPACE = 0x20

/** The index of the next significant character. */
export function skipSpace(text: string, start: number): number {
  let at = start
  // Outside strings, JSON has no characters up to the space but white space.
  while (text.charCodeAt(at) <= SPACE) at++
  return at
}

/** `indexOf` is fast in a long string, but slow to start. */
const SHORT_STRING = 16

/** The index after the closing quote of the string whose opening quote is at `start`. */
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

/** The same from an index within the string, character by character: quotes may be escaped. */
function endOfEscapedString(text: string, from: number): number {
  let at = from
  while (at < text.length && text.charCodeAt(at) !== QUOTE) {
    at += text.charCodeAt(at) === BACKSLASH ? 2 : 1
  }
  return Math.min(at + 1, text.length)
}

/** The index of the comma or bracket that ends the value which starts at `start`. */
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
 * How deep arrays and objects nest: 0 for `1`, 1 for `[]`. Stops counting one past `limit`. Takes any
 * text, valid or not, so it can run before the parser.
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
