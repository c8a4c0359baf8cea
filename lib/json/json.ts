/**
 * Values as JSON text. It passes through byte for byte: `1.0`, `1e400` and 64-bit integers stay what
 * they are. One level is parsed at a time; what lies below stays text.
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

/** A complete, valid JSON text, with the white space around it as received. */
export type JsonText = string

export type JsonKind = 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null'

/**
 * Returns the text itself if it is JSON that nests at most `maxDepth` arrays and objects (0 for `1`,
 * 1 for `[]`). Throws `invalid_json` or `too_deep`; the message names the input, the place and what
 * was expected there, and never quotes the text.
 */
export function parseJson(text: string, maxDepth: number, input: Input): JsonText {
  // `JSON.parse` would make objects of a hundred thousand keys in a long text, which takes 50 ms.
  const fault = text.length > LONG_TEXT ? findFault(text, maxDepth) : undefined
  if (text.length > LONG_TEXT && fault === undefined) return text
  // Depth first, in a loop: the parser may recurse.
  checkDepth(text, maxDepth, input.name, input.depthWay)
  if (fault !== undefined || !isJson(text)) {
    const reason = explainSyntax(text, input, fault)
    throw new CoatcheckError('invalid_json', `${input.name} is not JSON: ${reason}`)
  }
  // control: value-as-given
  return text
}

/** Throws `too_deep` if arrays and objects nest deeper than `maxDepth`; `way` is the way out. */
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
    // control: json-syntax
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
 * The members of an object in their order, each value exactly as it stands between colon and comma.
 * The last value of a repeated key counts, as in `JSON.parse`. Throws `invalid_argument` for more
 * than `maxMembers`, repeated ones included.
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

/** `parseObject(text).get(key)` without parsing the other members. */
export function findMember(text: JsonText, key: string): JsonText | undefined {
  let found: JsonText | undefined
  let place = placeOf(text, key, 0)
  while (place !== undefined) {
    found = text.slice(place.start, place.end)
    place = placeOf(text, key, place.end)
  }
  return found
}

/** The same for an object that repeats no key, as `renderObject` makes it: stops at the first match. */
export function findOnlyMember(text: JsonText, key: string): JsonText | undefined {
  const place = placeOf(text, key, 0)
  return place === undefined ? undefined : text.slice(place.start, place.end)
}

/**
 * Replaces the value of a key in an object that repeats no key and leaves the rest of the text as it
 * is; undefined if the object does not have the key.
 */
export function replaceMember(text: JsonText, key: string, value: JsonText): JsonText | undefined {
  const place = placeOf(text, key, 0)
  return place === undefined
    ? undefined
    : text.slice(0, place.start) + value + text.slice(place.end)
}

type Place = { readonly start: number; readonly end: number }

/** The first value of a key after `from`, which is 0 or the end of a member. */
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

/** The items of an array, each exactly as it stands between commas. */
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

/** Adds an item at the end of an array and leaves the text of the others as it is. */
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

/** The key between the quotes at `start` and before `end`. */
export function decodeKey(text: JsonText, start: number, end: number): string {
  return decodeString(text.slice(start, end))
}

/** The value of a JSON string that has no space around its quotes. */
export function decodeString(text: JsonText): string {
  return text.includes('\\') ? String(JSON.parse(text)) : text.slice(1, -1)
}

function isKey(text: JsonText, start: number, end: number, key: string): boolean {
  const rawLength = end - start - 2
  // An escape is longer than its character, so the lengths decide which comparison can succeed.
  if (rawLength > key.length) return decodeKey(text, start, end) === key
  return rawLength === key.length && text.startsWith(key, start + 1) && !key.includes('\\')
}
