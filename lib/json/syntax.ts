/** Explains where and why a text is not JSON, without quoting it: it may be personal data. */

import type { WayOut } from '../base/errors.ts'
import { BACKSLASH, CLOSE_BRACE, CLOSE_BRACKET, OPEN_BRACE, OPEN_BRACKET, QUOTE } from './scan.ts'

/** The name of a parsed text in messages. */
export type Input = {
  readonly name: string
  /** The string "ada" as it is written there, if not as `"ada"`. */
  readonly example?: string
  /** Whether the caller tells the line at which the text begins: then its line 1 is not named. */
  readonly isNumbered?: boolean
  /** The way out if it nests too deeply. */
  readonly depthWay?: WayOut
}

/** The reason and the place, for the end of a message; for texts that `JSON.parse` refuses. */
export function explainSyntax(text: string, input: Input, found = findFault(text)): string {
  const fault = found ?? { at: text.length, expected: 'value' }
  const before = text.slice(0, fault.at)
  let line = 1
  for (let at = before.indexOf('\n'); at !== -1; at = before.indexOf('\n', at + 1)) line++
  const column = fault.at - before.lastIndexOf('\n')
  const lineOfIt = line === 1 ? '' : `line ${line} of it, `
  const place = input.isNumbered === true ? lineOfIt : `line ${line}, `
  return `${explain(text, fault, input.example)} (${place}column ${column})`
}

/** What would have been valid at the place of the fault. */
type Expected =
  | 'value'
  | 'item or ]'
  | 'key'
  | 'key or }'
  | 'colon'
  | 'comma or end'
  | 'nothing'
  | 'character'
  | 'escape'

type Fault = { readonly at: number; readonly expected: Expected }

/**
 * The first character that cannot be right; `undefined` if the text is JSON. A bracket that nests too
 * deep counts, too. One pass that makes no objects, since it also checks large texts that are valid.
 */
export function findFault(text: string, maxDepth = Infinity): Fault | undefined {
  /** The closing brackets that are due after `closer`; NaN for none. */
  const closers: number[] = []
  let closer = NaN
  let expected: Expected = 'value'
  let at = 0
  for (;;) {
    at = skipSpace(text, at)
    const code = text.charCodeAt(at)
    if (expected === 'comma or end') {
      if (code === COMMA) {
        expected = closer === CLOSE_BRACE ? 'key' : 'value'
        at++
        continue
      }
    } else if (expected === 'colon') {
      if (code !== COLON) return { at, expected }
      expected = 'value'
      at++
      continue
    } else if (expected === 'nothing') {
      return at >= text.length ? undefined : { at, expected }
    }

    if (code === closer && expected !== 'value' && expected !== 'key') {
      closer = closers.pop() ?? NaN
      at++
    } else if (expected === 'comma or end') {
      return { at, expected }
    } else if (code === QUOTE) {
      const end = endOfValidString(text, at)
      if (typeof end !== 'number') return end
      at = end
      if (expected !== 'value' && expected !== 'item or ]') {
        expected = 'colon'
        continue
      }
    } else if (expected === 'key' || expected === 'key or }') {
      return { at, expected }
    } else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      if (closers.push(closer) > maxDepth) return { at, expected }
      closer = code === OPEN_BRACE ? CLOSE_BRACE : CLOSE_BRACKET
      expected = code === OPEN_BRACE ? 'key or }' : 'item or ]'
      at++
      continue
    } else {
      const end = endOfInteger(text, at, code) ?? endOfScalar(text, at, code)
      if (end === at) return { at, expected }
      at = end
    }
    expected = closers.length === 0 ? 'nothing' : 'comma or end'
  }
}

const COMMA = 0x2c
const COLON = 0x3a
const MINUS = 0x2d
const PLUS = 0x2b
const POINT = 0x2e
const ZERO = 0x30

function isKeyPlace(expected: Expected): boolean {
  return expected === 'key' || expected === 'key or }'
}

/** JSON white space only; `scan.ts` skips more, since it expects valid text. */
function skipSpace(text: string, start: number): number {
  let at = start
  for (;;) {
    const code = text.charCodeAt(at)
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return at
    at++
  }
}

function endOfValidString(text: string, start: number): number | Fault {
  let at = start + 1
  for (;;) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) return at + 1
    if (!(code >= 0x20)) return { at, expected: 'character' }
    if (code === BACKSLASH) {
      const end = endOfEscape(text, at)
      if (end === at) return { at, expected: 'escape' }
      at = end
    } else {
      at++
    }
  }
}

/** Returns `start` if the backslash there begins no escape. */
function endOfEscape(text: string, start: number): number {
  if (text[start + 1] !== 'u') {
    return '"\\/bfnrt'.includes(text[start + 1] ?? ' ') ? start + 2 : start
  }
  for (let at = start + 2; at < start + 6; at++) {
    if (!isHexDigit(text.charCodeAt(at))) return start
  }
  return start + 6
}

/** The end of a plain positive integer, as most numbers are; undefined for anything else. */
function endOfInteger(text: string, start: number, first: number): number | undefined {
  if (!(first > ZERO && first <= 0x39)) return undefined
  const end = skipDigits(text, start + 1)
  const next = text.charCodeAt(end)
  return next === POINT || (next | 0x20) === 0x65 ? undefined : end
}

/** Returns `start` if neither a number nor true, false or null begins there. */
function endOfScalar(text: string, start: number, first: number): number {
  if (first === 0x74) return text.startsWith('true', start) ? start + 4 : start
  if (first === 0x66) return text.startsWith('false', start) ? start + 5 : start
  if (first === 0x6e) return text.startsWith('null', start) ? start + 4 : start
  const whole = first === MINUS ? start + 1 : start
  let end = text.charCodeAt(whole) === ZERO ? whole + 1 : skipDigits(text, whole)
  if (end === whole) return start
  if (text.charCodeAt(end) === POINT) {
    const after = skipDigits(text, end + 1)
    if (after === end + 1) return end
    end = after
  }
  if (text[end] !== 'e' && text[end] !== 'E') return end
  const sign = text.charCodeAt(end + 1)
  const digits = sign === PLUS || sign === MINUS ? end + 2 : end + 1
  const after = skipDigits(text, digits)
  return after === digits ? end : after
}

function skipDigits(text: string, start: number): number {
  let at = start
  while (isDigit(text.charCodeAt(at))) at++
  return at
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= 0x39
}

function isHexDigit(code: number): boolean {
  const letter = code | 0x20
  return isDigit(code) || (letter >= 0x61 && letter <= 0x66)
}

function explain(text: string, { at, expected }: Fault, example = '"ada"'): string {
  const char = text[at]
  const unquoted = `a string needs its quotes, as in ${example}`

  if (text.trim() === '') return `it is empty, expected a value, as in ${example}`
  if (text.startsWith('\uFEFF')) return 'it starts with a byte order mark, send UTF-8 without one'
  if (expected === 'escape') {
    return 'a backslash in a string starts an escape, as in \\n; for itself it is written \\\\'
  }
  if (char === undefined) return 'it ends too early, a quote, a bracket or a value is missing'
  if (expected === 'character') {
    return 'a control character in a string must be escaped, a line break as \\n'
  }
  if (char === "'") return `strings and keys take double quotes, as in {"user":"ada"}`
  if (expected !== 'comma or end' && '}]'.includes(char)) {
    return 'a bracket closes where a value or key was expected; a comma must not come last'
  }
  if (isKeyPlace(expected)) return 'a key needs its double quotes, as in {"user":"ada"}'
  if (expected === 'nothing') {
    // Such as a date: it starts as a number does.
    return /^\s*["[{]/.test(text) ? 'it goes on after the end of its one value' : unquoted
  }
  if (expected === 'colon') return 'expected a colon between key and value'
  if (expected === 'comma or end') return 'expected a comma or the closing bracket'
  if (/[+.\-0-9]/.test(char))
    return 'expected a number, which starts with a digit or "-", as in 0.5'
  if (/^(?:True|False|None|undefined)\b/.test(text.slice(at, at + 10))) {
    return 'JSON writes true, false and null'
  }
  if (/^(?:NaN|Infinity)\b/.test(text.slice(at, at + 10))) return 'JSON has no NaN and no Infinity'
  return unquoted
}
