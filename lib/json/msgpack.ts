/** MessagePack as JSON text: numbers keep all their digits, and nothing is made up. */
import { isUtf8 } from 'node:buffer'
import type { JsonText } from './json.ts'

/** The message says what is wrong with the bytes and quotes none of them. */
export class MessagePackError extends Error {}

const TIMESTAMP = -1
const LAST_SECOND = 253_402_300_799n
const FIRST_SECOND = -62_135_596_800n

/**
 * Converts one value; nothing may follow it. Bytes become base64 and timestamps ISO 8601, as msgspec
 * writes both in JSON; integer keys become strings. Throws a `MessagePackError` for bytes that break
 * off, nest deeper than `maxDepth`, or hold what JSON cannot: NaN, other extensions, strings that are
 * not UTF-8, keys of other types, repeated keys.
 */
export function messagePackToJson(bytes: Buffer, maxDepth: number): JsonText {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let at = 0

  function take(length: number): number {
    const start = at
    at += length
    if (at > bytes.length) throw new MessagePackError('it breaks off')
    return start
  }

  function count(size: 1 | 2 | 4): number {
    const start = take(size)
    return size === 1
      ? view.getUint8(start)
      : size === 2
        ? view.getUint16(start)
        : view.getUint32(start)
  }

  function text(length: number): JsonText {
    const start = take(length)
    const part = bytes.subarray(start, at)
    if (!isUtf8(part)) throw new MessagePackError('a string in it is not UTF-8')
    return JSON.stringify(part.toString('utf8'))
  }

  function binary(length: number): JsonText {
    const start = take(length)
    return JSON.stringify(bytes.toString('base64', start, at))
  }

  function checkDepth(depth: number): void {
    if (depth > maxDepth) throw new MessagePackError(`it nests deeper than ${maxDepth}`)
  }

  function array(length: number, depth: number): JsonText {
    checkDepth(depth)
    const items: JsonText[] = []
    for (let n = 0; n < length; n++) items.push(value(depth + 1))
    return `[${items.join(',')}]`
  }

  function map(length: number, depth: number): JsonText {
    checkDepth(depth)
    const members = new Map<string, JsonText>()
    for (let n = 0; n < length; n++) {
      const key = value(depth + 1)
      if (!/^(?:"|-?\d+$)/.test(key)) throw new MessagePackError('a key in it is no string')
      const name = key.startsWith('"') ? key : `"${key}"`
      if (members.has(name)) throw new MessagePackError('a key in it comes twice')
      members.set(name, value(depth + 1))
    }
    return `{${Array.from(members, ([name, member]) => `${name}:${member}`).join(',')}}`
  }

  function extension(length: number): JsonText {
    const type = view.getInt8(take(1))
    const start = take(length)
    if (type !== TIMESTAMP) throw new MessagePackError(`it has an extension of type ${type}`)
    if (length === 4) return timestamp(BigInt(view.getUint32(start)), 0)
    if (length === 8) {
      const both = view.getBigUint64(start)
      return timestamp(both & 0x3_ffff_ffffn, Number(both >> 34n))
    }
    if (length === 12) return timestamp(view.getBigInt64(start + 4), view.getUint32(start))
    throw new MessagePackError('a timestamp in it has a wrong length')
  }

  function value(depth: number): JsonText {
    const code = view.getUint8(take(1))
    if (code <= 0x7f) return String(code)
    if (code <= 0x8f) return map(code & 0x0f, depth)
    if (code <= 0x9f) return array(code & 0x0f, depth)
    if (code <= 0xbf) return text(code & 0x1f)
    if (code >= 0xe0) return String(code - 0x100)
    switch (code) {
      case 0xc0:
        return 'null'
      case 0xc2:
        return 'false'
      case 0xc3:
        return 'true'
      case 0xc4:
        return binary(count(1))
      case 0xc5:
        return binary(count(2))
      case 0xc6:
        return binary(count(4))
      case 0xc7:
        return extension(count(1))
      case 0xc8:
        return extension(count(2))
      case 0xc9:
        return extension(count(4))
      case 0xca:
        return float(view.getFloat32(take(4)))
      case 0xcb:
        return float(view.getFloat64(take(8)))
      case 0xcc:
        return String(count(1))
      case 0xcd:
        return String(count(2))
      case 0xce:
        return String(count(4))
      case 0xcf:
        return String(view.getBigUint64(take(8)))
      case 0xd0:
        return String(view.getInt8(take(1)))
      case 0xd1:
        return String(view.getInt16(take(2)))
      case 0xd2:
        return String(view.getInt32(take(4)))
      case 0xd3:
        return String(view.getBigInt64(take(8)))
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return extension(2 ** (code - 0xd4))
      case 0xd9:
        return text(count(1))
      case 0xda:
        return text(count(2))
      case 0xdb:
        return text(count(4))
      case 0xdc:
        return array(count(2), depth)
      case 0xdd:
        return array(count(4), depth)
      case 0xde:
        return map(count(2), depth)
      case 0xdf:
        return map(count(4), depth)
      default:
        throw new MessagePackError('it has an unknown type code')
    }
  }

  const json = value(1)
  if (at < bytes.length) throw new MessagePackError('bytes follow its end')
  return json
}

/** Keeps a float a float for the next reader: `1.0`. */
function float(number: number): JsonText {
  if (!Number.isFinite(number)) throw new MessagePackError('it has a number that is not finite')
  if (Object.is(number, -0)) return '-0.0'
  const text = String(number)
  return /^-?\d+$/.test(text) ? `${text}.0` : text
}

function timestamp(seconds: bigint, nanoseconds: number): JsonText {
  if (seconds < FIRST_SECOND || seconds > LAST_SECOND || nanoseconds > 999_999_999) {
    throw new MessagePackError('a timestamp in it is out of range')
  }
  const moment = new Date(Number(seconds) * 1000).toISOString().slice(0, -'.000Z'.length)
  const fraction = nanoseconds === 0 ? '' : `.${String(nanoseconds).padStart(9, '0')}`
  // Python's datetime has microseconds, no nanoseconds.
  return JSON.stringify(`${moment}${fraction.replace(/000$/, '')}Z`)
}
