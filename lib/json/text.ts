/**
 * Values as JSON text, which passes through byte for byte: `1.0`, `1e400` and 64-bit integers stay
 * what they are. One level is taken apart at a time; what lies below stays text.
 */
import { CoatcheckError, type WayOut } from '../base/errors.ts'
import {
  CLOSE_BRACKET,
  depthOf,
  endOfString,
  endOfValue,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  skipSpace,
} from './scan.ts'
import { explainSyntax, findFault, type Input } from './syntax.ts'

/** A complete, valid JSON text, with the white space around it as it came. */
export type JsonText = string

export type JsonKind = 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null'

/**
 * The same text, once it is known to be JSON that nests at most `maxDepth` arrays and objects (0
 * for `1`, 1 for `[]`). Throws `invalid_json` or `too_deep`; the message names the input, the place
 * and what was expected there, and never quotes the text.
 */
export function parseJson(text: string, maxDepth: number, input: Input): JsonText {
  // In one pass where the text is long: it may have a hundred thousand keys, and to make objects of
  // them would take 50 ms.
  const fault = text.length > LONG_TEXT ? findFault(text, maxDepth) : undefined
  if (text.length > LONG_TEXT && fault === undefined) return text
  // Depth comes first, in a loop: what follows it may recurse.
  checkDepth(text, maxDepth, input.name, input.depthWay)
  if (fault !== undefined || !isJson(text)) {
    const reason = explainSyntax(text, input, fault)
    throw new CoatcheckError('invalid_json', `${input.name} is not JSON: ${reason}`)
  }
  return text
}

/** Throws `too_deep` where arrays and objects nest more than `maxDepth`; `way`: what can be done. */
export function checkDepth(text: JsonText, maxDepth: number, name: string, way?: WayOut): void {
  if (depthOf(text, maxDepth) > maxDepth) {
    throw new CoatcheckError(
      'too_deep',
      `Cannot take ${name}: its arrays and objects nest deeper than ${maxDepth}`,
      {},
      way,
    )
  }
}

const LONG_TEXT = 32 * 1024

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

export function kindOf(text: JsonText): JsonKind {
  switch (text.charCodeAt(skipSpace(text, 0))) {
    case OPEN_BRACE:
      return 'object'
    case OPEN_BRACKET:
      return 'array'
    case QUOTE:
      return 'string'
    case 0x74:
    case 0x66:
      return 'boolean'
    case 0x6e:
      return 'null'
    default:
      return 'number'
  }
}

/**
 * The members of an object, in their order, each value exactly as it stands between the colon and
 * the comma. Of a repeated key the last value counts, as in `JSON.parse`. Throws `invalid_argument`
 * for more than `maxMembers`, repeated ones counted.
 */
export function parseObject(text: JsonText, maxMembers = Infinity): Map<string, JsonText> {
  const members = new Map<string, JsonText>()
  let count = 0
  let at = skipSpace(text, skipSpace(text, 0) + 1)
  while (text.charCodeAt(at) === QUOTE) {
    if (++count > maxMembers) throw tooManyMembers(maxMembers)
    const keyEnd = endOfString(text, at)
    const start = text.indexOf(':', keyEnd) + 1
    const end = endOfValue(text, start)
    members.set(decodeKey(text, at, keyEnd), text.slice(start, end))
    at = skipSpace(text, end + 1)
  }
  return members
}

function tooManyMembers(maxMembers: number): CoatcheckError {
  return new CoatcheckError(
    'invalid_argument',
    `Cannot read an object of more than ${maxMembers} members here`,
  )
}

/** The same as `parseObject(text).get(key)`, without the rest. */
export function findMember(text: JsonText, key: string): JsonText | undefined {
  let found: JsonText | undefined
  let place = placeOf(text, key, 0)
  while (place !== undefined) {
    found = text.slice(place.start, place.end)
    place = placeOf(text, key, place.end)
  }
  return found
}

/** The same of an object that repeats no key, such as `renderObject` makes: it stops at the first. */
export function findOnlyMember(text: JsonText, key: string): JsonText | undefined {
  const place = placeOf(text, key, 0)
  return place === undefined ? undefined : text.slice(place.start, place.end)
}

/**
 * An object that repeats no key, with another value for one that it has, and all else as it stands;
 * undefined where it does not have the key.
 */
export function replaceMember(text: JsonText, key: string, value: JsonText): JsonText | undefined {
  const place = placeOf(text, key, 0)
  return place === undefined
    ? undefined
    : text.slice(0, place.start) + value + text.slice(place.end)
}

type Place = { readonly start: number; readonly end: number }

/**
 * Where the value of a key stands, the first one behind `from`, which is 0 or the end of a member;
 * undefined where there is none.
 */
function placeOf(text: JsonText, key: string, from: number): Place | undefined {
  let at = skipSpace(text, skipSpace(text, from) + 1)
  while (text.charCodeAt(at) === QUOTE) {
    const keyEnd = endOfString(text, at)
    const start = text.indexOf(':', keyEnd) + 1
    const end = endOfValue(text, start)
    if (isKey(text, at, keyEnd, key)) return { start, end }
    at = skipSpace(text, end + 1)
  }
  return undefined
}

/** The items of an array, each exactly as it stands between the commas. */
export function parseArray(text: JsonText): JsonText[] {
  return [...itemsOf(text)]
}

/** The same one after the other, for whoever may not want all of them. */
export function* itemsOf(text: JsonText): Generator<JsonText> {
  let start = skipSpace(text, 0) + 1
  if (text.charCodeAt(skipSpace(text, start)) === CLOSE_BRACKET) return
  while (start < text.length) {
    const end = endOfValue(text, start)
    yield text.slice(start, end)
    if (text.charCodeAt(end) === CLOSE_BRACKET) return
    start = end + 1
  }
}

/** An array with one more item behind the others, which stay as they are. */
export function appendItem(array: JsonText, item: JsonText): JsonText {
  const text = array.trim()
  const isEmpty = text.charCodeAt(skipSpace(text, 1)) === CLOSE_BRACKET
  return isEmpty ? `[${item}]` : `${text.slice(0, -1)},${item}]`
}

export function renderObject(members: ReadonlyMap<string, JsonText>): JsonText {
  let text = ''
  for (const [key, value] of members) {
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${value}`
  }
  return `{${text}}`
}

/** The key whose quotes stand at `start` and before `end`. */
export function decodeKey(text: JsonText, start: number, end: number): string {
  return decodeString(text.slice(start, end))
}

/** What a string stands for, with no space around its quotes. */
export function decodeString(text: JsonText): string {
  return text.includes('\\') ? String(JSON.parse(text)) : text.slice(1, -1)
}

function isKey(text: JsonText, start: number, end: number, key: string): boolean {
  const rawLength = end - start - 2
  // An escape is longer than its character: the lengths say which comparison can succeed.
  if (rawLength > key.length) return decodeKey(text, start, end) === key
  return rawLength === key.length && text.startsWith(key, start + 1) && !key.includes('\\')
}
