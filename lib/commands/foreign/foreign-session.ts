/** Sessions of other stores, from dumps of their keys and values, so that people can move in. */
import { CoatcheckError } from '../errors.ts'
import {
  findMember,
  type JsonText,
  kindOf,
  parseJson,
  parseObject,
  renderObject,
} from '../json/text.ts'
import type { Session } from '../session/session.ts'
import { DEEPEST, LONGEST_IDLE_TIMEOUT_MS, LONGEST_LIFETIME_MS } from '../session/session-line.ts'
import { ID_SHAPE, isId } from '../session/token.ts'
import { readSettings } from '../settings.ts'
import type { ParseLine } from './input-lines.ts'

export type ForeignStore = 'connect-redis' | 'flask-session'

const PREFIX: Readonly<Record<ForeignStore, string>> = {
  'connect-redis': 'sess:',
  'flask-session': 'session:',
}
/** What connect-redis keeps a session for, where its cookie says nothing. */
const REDIS_TTL_MS = 86_400_000

export function isForeignStore(name: unknown): name is ForeignStore {
  return name === 'connect-redis' || name === 'flask-session'
}

/**
 * A parser of lines `{"sess:ID":value,…}`: one session a line, or all of a dump in one. A value is a
 * JSON object, or a string that holds one, as Redis does. Or lines `{"key":…,"value":…,"ttl":…}`
 * with the seconds that Redis gives the key: connect-redis moves these with each request, and leaves
 * `expires` in the value as it was when the session last changed.
 */
export function parseForeignLine(store: ForeignStore): ParseLine {
  const toSession = store === 'connect-redis' ? fromConnectRedis : fromFlaskSession
  return (line, now) => {
    if (kindOf(parseJson(line, DEEPEST, 'line')) !== 'object') {
      throw invalid('it must be an object of keys and values')
    }
    return entriesOf(parseObject(line)).map(({ key, value, ttl }) => () => {
      const id = key.startsWith(PREFIX[store]) ? key.slice(PREFIX[store].length) : ''
      if (!isId(id)) {
        throw invalid(`its key must be ${PREFIX[store]} and ${ID_SHAPE}`)
      }
      const leftMs = ttl === undefined ? undefined : readTtl(ttl)
      return toSession(id, readObject(value), leftMs, now)
    })
  }
}

type Entry = { readonly key: string; readonly value: JsonText; readonly ttl?: JsonText | undefined }

function entriesOf(members: ReadonlyMap<string, JsonText>): readonly Entry[] {
  const key = members.get('key')
  const value = members.get('value')
  if (key === undefined || value === undefined || kindOf(key) !== 'string') {
    return [...members].map(([key, value]) => ({ key, value }))
  }
  return [{ key: String(JSON.parse(key)), value, ttl: members.get('ttl') }]
}

/** The cookie says how long it lives: `originalMaxAge` in ms, and until when, `expires`. */
function fromConnectRedis(
  id: string,
  members: Map<string, JsonText>,
  leftMs: number | undefined,
  now: number,
): Session {
  const cookie = members.get('cookie') ?? '{}'
  members.delete('cookie')
  const maxAge = Number(kindOf(cookie) === 'object' ? findMember(cookie, 'originalMaxAge') : NaN)
  const expires = Date.parse(readText(cookie, 'expires'))
  const left = leftMs ?? (Number.isNaN(expires) ? undefined : expires - now)
  const idleTimeoutMs = maxAge > 0 ? Math.ceil(maxAge) : Math.max(1, left ?? REDIS_TTL_MS)
  return {
    ...withTimes(blank(id, members), idleTimeoutMs, left ?? idleTimeoutMs, now),
    // A cookie without either is one that the browser forgets when it is closed.
    permanent: maxAge > 0 || !Number.isNaN(expires),
  }
}

/** `_permanent` is Flask's flag; where the dump has no times, they are this server's defaults. */
function fromFlaskSession(
  id: string,
  members: Map<string, JsonText>,
  leftMs: number | undefined,
  now: number,
): Session {
  const isPermanent = members.get('_permanent')?.trim() === 'true'
  members.delete('_permanent')
  const { ordinary, permanent } = defaultLimits()
  const limits = isPermanent ? permanent : ordinary
  const session = { ...blank(id, members), permanent: isPermanent }
  return leftMs === undefined
    ? { ...session, ...limits, createdAt: now, lastSeenAt: now }
    : withTimes(session, Math.max(1, leftMs), leftMs, now)
}

/** Neither store has an absolute limit: it gets the default one, or the idle timeout where that is longer. */
function withTimes(session: Session, idleMs: number, leftMs: number, now: number): Session {
  const idleTimeoutMs = Math.min(Math.max(idleMs, leftMs), LONGEST_IDLE_TIMEOUT_MS)
  const seenAt = Math.max(0, Math.min(now, now + leftMs - idleTimeoutMs))
  const { lifetimeMs } = defaultLimits().permanent
  return {
    ...session,
    // Its lifetime begins here: nobody knows how old it is.
    createdAt: now,
    lastSeenAt: seenAt,
    idleTimeoutMs,
    lifetimeMs: Math.min(Math.max(lifetimeMs, idleTimeoutMs), LONGEST_LIFETIME_MS),
  }
}

/** No secret is known of it: back ends open it by its id. */
function blank(id: string, members: ReadonlyMap<string, JsonText>): Session {
  return {
    id,
    secretHash: null,
    data: renderObject(members),
    claims: '{}',
    permanent: false,
    createdAt: 0,
    lastSeenAt: 0,
    idleTimeoutMs: 0,
    lifetimeMs: 0,
    version: 1,
    device: null,
  }
}

/** Redis tells -1 for a key without an end, -2 for one that has gone since. */
function readTtl(ttl: JsonText): number | undefined {
  const seconds = Number(ttl)
  if (kindOf(ttl) === 'null' || seconds === -1) return undefined
  if (kindOf(ttl) === 'number' && Number.isInteger(seconds) && seconds < 1e10) {
    return Math.max(0, seconds * 1000)
  }
  throw invalid('its "ttl" must be an integer of seconds')
}

/** Read once: every line asks. */
let limits: ReturnType<typeof readDefaultLimits> | undefined

function defaultLimits() {
  return (limits ??= readDefaultLimits())
}

function readDefaultLimits() {
  const command = readSettings([], {})
  if (command.kind !== 'serve') throw new Error('No words and no variables are to serve')
  const { settings } = command
  return {
    ordinary: { idleTimeoutMs: settings.idleTimeoutMs, lifetimeMs: settings.lifetimeMs },
    permanent: {
      idleTimeoutMs: settings.permanentIdleTimeoutMs,
      lifetimeMs: settings.permanentLifetimeMs,
    },
  }
}

function readObject(value: JsonText): Map<string, JsonText> {
  const text = kindOf(value) === 'string' ? String(JSON.parse(value)) : value
  if (kindOf(parseJson(text, DEEPEST, 'value')) === 'object') return parseObject(text)
  throw invalid('its value must be a JSON object, or a string that holds one')
}

function readText(object: JsonText, name: string): string {
  const value = kindOf(object) === 'object' ? findMember(object, name) : undefined
  return value !== undefined && kindOf(value) === 'string' ? String(JSON.parse(value)) : ''
}

function invalid(reason: string): CoatcheckError {
  return new CoatcheckError('invalid_argument', `Cannot read the session: ${reason}`)
}
