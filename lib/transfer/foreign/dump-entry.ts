/** Keys and values in the JSON that dump tools write. */
import { type JsonText, kindOf, parseJson, parseObject } from '../../json/json.ts'
import { DEEPEST } from '../../session/limits.ts'
import { LINE } from '../session-line.ts'
import { invalidSession } from '../invalid-session.ts'
import { type DumpTime, parseMoment, parseTtl } from './dump-time.ts'

/** `value` is the JSON text of a string if the store keeps strings; `time` throws for an invalid time. */
export type DumpEntry = {
  readonly key: string
  readonly value: JsonText
  readonly type?: string | undefined
  readonly time: () => DumpTime | undefined
}

type Members = ReadonlyMap<string, JsonText>

/** Names of members in records; the first that is there counts. */
const KEY_NAMES = ['key', 'sid', 'session_id', 'id', '_id']
const VALUE_NAMES = ['value', 'sess', 'session', 'data', 'val']
const MOMENT_NAMES = [
  'absoluteTTL',
  'pexpireat',
  'expireat',
  'expires',
  'expire',
  'expired',
  'expiry',
  'expiration',
  'expires_at',
  'expiresAt',
]
/** rdb-cli writes facts about the file beside the keys. */
const TOOL_MEMBERS: ReadonlySet<string> = new Set(['__aux__', '__func__'])
/** Types of Redis whose values cannot be a session. */
const COLLECTIONS = /^(?:hash|list|set|zset|stream)$/i

/**
 * The one entry of a record `{"key":…,"value":…,"ttl":…}`, under any of the names above, or all
 * entries of an object `{"sess:ID":value,…}`, whose values may be wrapped as
 * `{"type":"string","value":…,"ttl":…}`. Throws for anything else.
 */
export function parseDumpObject(text: string): readonly DumpEntry[] {
  if (kindOf(parseJson(text, DEEPEST, LINE)) !== 'object') {
    throw invalidSession('it must be an object of keys and values')
  }
  const members = parseObject(text)
  const key = first(members, KEY_NAMES, 'string')
  const value = first(members, VALUE_NAMES)
  if (key !== undefined && value !== undefined) {
    return [entryOf(String(JSON.parse(key)), value, members)]
  }
  if (isExpressSession(members)) {
    throw invalidSession(
      'it does not say its id; write that before it, as in "ID {…}", or as its "sid"',
    )
  }
  return [...members]
    .filter(([name]) => !TOOL_MEMBERS.has(name))
    .map(([name, member]) => unwrap(name, member))
}

/** Throws if the dump names a type that a session cannot have. */
export function checkType(type: string | undefined): void {
  if (type === undefined || !COLLECTIONS.test(type)) return
  throw invalidSession(`it is a ${type.toLowerCase()} in Redis, where sessions are strings`)
}

function unwrap(key: string, value: JsonText): DumpEntry {
  const members = kindOf(value) === 'object' ? parseObject(value) : undefined
  const inner = members?.get('value')
  const isWrapped =
    members !== undefined &&
    inner !== undefined &&
    members.size > 1 &&
    [...members.keys()].every((name) => WRAPPER_NAMES.has(name))
  return isWrapped ? entryOf(key, inner, members) : { key, value, time: () => undefined }
}

const WRAPPER_NAMES: ReadonlySet<string> = new Set([
  ...['value', 'type', 'ttl', 'pttl', 'db', 'size', 'encoding', 'memoryUsage', 'mem'],
  ...MOMENT_NAMES,
])

function entryOf(key: string, value: JsonText, members: Members): DumpEntry {
  const type = members.get('type')
  return {
    key,
    value: unwrapBinary(value),
    type: type !== undefined && kindOf(type) === 'string' ? String(JSON.parse(type)) : undefined,
    time: () => timeOf(members),
  }
}

function timeOf(members: Members): DumpTime | undefined {
  const pttl = members.get('pttl')
  if (pttl !== undefined) return parseTtl(pttl, 1)
  const ttl = members.get('ttl')
  if (ttl !== undefined) {
    if (!isOfRiot(members)) return parseTtl(ttl, 1000)
    // RIOT has ms, or a moment, and 0 for a key without an end.
    return ttl.trim() === '0' ? undefined : parseTtl(ttl, 1)
  }
  for (const name of MOMENT_NAMES) {
    const moment = members.get(name)
    if (moment !== undefined) return parseMoment(moment, name)
  }
  return undefined
}

function isOfRiot(members: Members): boolean {
  return (
    ['memoryUsage', 'mem', 'event'].some((name) => members.has(name)) ||
    /^\s*"[A-Z]+"/.test(members.get('type') ?? '')
  )
}

/** The base64 of `{"$binary":{"base64":…}}`, as MongoDB exports bytes; else the value itself. */
function unwrapBinary(value: JsonText): JsonText {
  if (kindOf(value) !== 'object') return value
  const members = parseObject(value)
  const binary = members.size === 1 ? members.get('$binary') : undefined
  if (binary === undefined) return value
  return kindOf(binary) === 'object' ? (parseObject(binary).get('base64') ?? value) : binary
}

function isExpressSession(members: Members): boolean {
  const cookie = members.get('cookie')
  return cookie !== undefined && kindOf(cookie) === 'object'
}

function first(
  members: Members,
  names: readonly string[],
  kind?: ReturnType<typeof kindOf>,
): JsonText | undefined {
  for (const name of names) {
    const value = members.get(name)
    if (value !== undefined && (kind === undefined || kindOf(value) === kind)) return value
  }
  return undefined
}
