/** Finds the object in a value, in all the ways in which stores and dump tools write it. */
import { isUtf8 } from 'node:buffer'
import { CoatcheckError } from '../../base/errors.ts'
import { MessagePackError, messagePackToJson } from '../../json/msgpack.ts'
import { type JsonText, kindOf, parseJson, parseObject } from '../../json/json.ts'
import { DEEPEST } from '../../session/limits.ts'
import { invalidSession } from '../invalid-session.ts'
import { unescapeRedis } from './quoted.ts'

const REPLACEMENT = '\ufffd'
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/
/** With the `\x` of a PostgreSQL `bytea` or without. */
const HEX = /^(?:\\x)?((?:[0-9a-fA-F]{2})+)$/

/**
 * The members of a JSON object, or of a string that holds one: as text, base64 or hex. If
 * `isMessagePack`, the string may also hold a MessagePack map: as bytes (one character each), with
 * escapes of Redis, as base64 or hex. Throws `invalid_argument`, `invalid_json` or `too_deep`.
 */
export function parseDumpValue(value: JsonText, isMessagePack: boolean): Map<string, JsonText> {
  if (kindOf(value) === 'object') return parseObject(value)
  if (kindOf(value) !== 'string') throw noObject()
  const text = restoreUtf8(String(JSON.parse(value)), value)
  const trimmed = text.trim()
  if (trimmed.startsWith('{')) return readObject(trimmed)
  const packed = trimmed.replaceAll(/\s/g, '')
  const hex = HEX.exec(packed)?.[1]
  const bytes = [
    isBytes(text) ? Buffer.from(text, 'latin1') : undefined,
    hex === undefined ? undefined : Buffer.from(hex, 'hex'),
    text.includes('\\x') ? bytesOf(unescapeRedis(text)) : undefined,
    BASE64.test(packed) ? Buffer.from(packed, 'base64') : undefined,
  ]
  let fault: CoatcheckError | undefined
  for (const candidate of bytes) {
    if (candidate === undefined) continue
    const object = isUtf8(candidate) ? candidate.toString('utf8').trim() : ''
    if (object.startsWith('{') && object.endsWith('}')) return readObject(object)
    try {
      const members = isMessagePack ? readMessagePack(candidate) : undefined
      if (members !== undefined) return members
    } catch (error) {
      if (!(error instanceof CoatcheckError)) throw error
      fault ??= error
    }
  }
  if (text.includes(REPLACEMENT) && isMessagePack) {
    throw invalidSession(
      'its bytes were lost, since the tool that made the dump takes them for text; dump them as ' +
        'base64, as "Moving in" of README.md shows',
    )
  }
  throw fault ?? noObject()
}

/** Undefined if the bytes begin neither like a map nor like a pickle. */
function readMessagePack(bytes: Buffer): Map<string, JsonText> | undefined {
  const [first = 0, second = 0] = bytes
  // Pickle protocols 2 to 5, and 0 and 1 of a dict; an empty map is just the first byte.
  if ((first === 0x80 && bytes.length > 1 && second <= 5) || /^(?:\(dp?|\}q)/.test(ascii(bytes))) {
    throw invalidSession(
      'it is a pickle, which is never read, since reading one runs what is in it; turn it into JSON ' +
        'where Flask runs, as "Moving in" of README.md shows',
    )
  }
  const isMap = (first >= 0x80 && first <= 0x8f) || first === 0xde || first === 0xdf
  if (!isMap) return undefined
  // `redis-cli get KEY | base64` encodes the line end as well.
  const line = bytes.at(-1) === 10 ? bytes.subarray(0, -1) : undefined
  let fault = ''
  for (const candidate of line === undefined ? [bytes] : [bytes, line]) {
    try {
      return parseObject(messagePackToJson(candidate, DEEPEST))
    } catch (error) {
      if (!(error instanceof MessagePackError)) throw error
      if (fault === '') fault = error.message
    }
  }
  throw invalidSession(`its MessagePack cannot be read: ${fault}`)
}

function readObject(text: string): Map<string, JsonText> {
  parseJson(text, DEEPEST, { name: 'value', isNumbered: true })
  return parseObject(text)
}

/**
 * rdb-cli escapes each byte over 127 by itself (`\u00c3\u00ab` for "ë"). A text of such escapes that is
 * valid UTF-8 is read as that.
 */
function restoreUtf8(text: string, json: JsonText): string {
  if (!/\\u00[89a-f]/i.test(json) || !isBytes(text) || /[\x80-\xff]/.test(json)) return text
  const bytes = Buffer.from(text, 'latin1')
  return isUtf8(bytes) ? bytes.toString('utf8') : text
}

function isBytes(text: string): boolean {
  return !/[^\x00-\xff]/.test(text)
}

/** Latin-1 bytes if all characters are bytes, else UTF-8. */
function bytesOf(text: string): Buffer {
  return Buffer.from(text, isBytes(text) ? 'latin1' : 'utf8')
}

function ascii(bytes: Buffer): string {
  return bytes.toString('latin1', 0, 4)
}

function noObject(): CoatcheckError {
  return invalidSession('its value must be a JSON object, or a string that holds one')
}
