/** The object in a session's value, however the store wrote it and the dump tool after it. */
import { isUtf8 } from 'node:buffer'
import { CoatcheckError } from '../../base/errors.ts'
import { MessagePackError, messagePackToJson } from '../../json/msgpack.ts'
import { type JsonText, kindOf, parseJson, parseObject } from '../../json/json.ts'
import { DEEPEST } from '../../session/limits.ts'
import { unescapeRedis } from './quoted.ts'

const REPLACEMENT = '\ufffd'
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/
/** Also as PostgreSQL writes a `bytea`. */
const HEX = /^(?:\\x)?((?:[0-9a-fA-F]{2})+)$/

/**
 * The members of a JSON object, or of a string that holds one: as text, as base64 or as hex. Where
 * `isMessagePack`, a string may hold a map of MessagePack as well, as its bytes (each a character),
 * with Redis' escapes, as base64 or as hex. Throws `invalid_argument`, `invalid_json` or `too_deep`.
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
    throw invalid(
      'its bytes were lost, since the tool that made the dump takes them for text; dump them as ' +
        'base64, as lib/manual/moving-in.md shows',
    )
  }
  throw fault ?? noObject()
}

/** Undefined for bytes that begin as neither a map nor a pickle does. */
function readMessagePack(bytes: Buffer): Map<string, JsonText> | undefined {
  const [first = 0, second = 0] = bytes
  // Protocols 2 to 5 begin so, and 0 and 1 of a dict; an empty map has nothing behind it.
  if ((first === 0x80 && bytes.length > 1 && second <= 5) || /^(?:\(dp?|\}q)/.test(ascii(bytes))) {
    throw invalid(
      'it is a pickle, which is never read, since reading one runs what is in it; turn it into JSON ' +
        'where Flask runs, as lib/manual/moving-in.md shows',
    )
  }
  const isMap = (first >= 0x80 && first <= 0x8f) || first === 0xde || first === 0xdf
  if (!isMap) return undefined
  // What `redis-cli get KEY | base64` packs ends with the line's end.
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
  throw invalid(`its MessagePack cannot be read: ${fault}`)
}

function readObject(text: string): Map<string, JsonText> {
  parseJson(text, DEEPEST, { name: 'value', isNumbered: true })
  return parseObject(text)
}

/**
 * rdb-cli writes each byte over 127 as an escape of its own (`\u00c3\u00ab` for an "ë"): where a text
 * is written so, and is UTF-8 when it is read so, it is meant so.
 */
function restoreUtf8(text: string, json: JsonText): string {
  if (!/\\u00[89a-f]/i.test(json) || !isBytes(text) || /[\x80-\xff]/.test(json)) return text
  const bytes = Buffer.from(text, 'latin1')
  return isUtf8(bytes) ? bytes.toString('utf8') : text
}

function isBytes(text: string): boolean {
  return !/[^\x00-\xff]/.test(text)
}

/** The bytes of a text that has each as a character, or of one that has some as characters of Unicode. */
function bytesOf(text: string): Buffer {
  return Buffer.from(text, isBytes(text) ? 'latin1' : 'utf8')
}

function ascii(bytes: Buffer): string {
  return bytes.toString('latin1', 0, 4)
}

function noObject(): CoatcheckError {
  return invalid('its value must be a JSON object, or a string that holds one')
}

function invalid(reason: string): CoatcheckError {
  return new CoatcheckError('invalid_argument', `Cannot read the session: ${reason}`)
}
