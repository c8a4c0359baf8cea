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
import { readSettings } from '../settings.ts'
import type { ParseLine } from './import.ts'

export type ForeignStore = 'connect-redis' | 'flask-session'

const PREFIX: Readonly<Record<ForeignStore, string>> = {
  'connect-redis': 'sess:',
  'flask-session': 'session:',
}
const ID = /^[\w-]{16,128}$/
const MAX_DEPTH = 1_100
/** What connect-redis keeps a session for, where its cookie says nothing. */
const REDIS_TTL_MS = 86_400_000

export function isForeignStore(name: unknown): name is ForeignStore {
  return name === 'connect-redis' || name === 'flask-session'
}

/**
 * A parser of lines `{"sess:ID":value,…}`: one session a line, or all of a dump in one. A value is a
 * JSON object, or a string that holds one, as Redis does.
 */
export function parseForeignLine(store: ForeignStore): ParseLine {
  const toSession = store === 'connect-redis' ? fromConnectRedis : fromFlaskSession
  return (line, now) => {
    if (kindOf(parseJson(line, MAX_DEPTH, 'line')) !== 'object') {
      throw invalid('it must be an object of keys and values')
    }
    return [...parseObject(line)].map(([key, value]) => {
      const id = key.startsWith(PREFIX[store]) ? key.slice(PREFIX[store].length) : ''
      if (!ID.test(id)) {
        throw invalid(`its key must be ${PREFIX[store]} and 16 to 128 of A-Z a-z 0-9 _ -`)
      }
      return toSession(id, readObject(value), now)
    })
  }
}

/** The cookie says how long it lives: `originalMaxAge` in ms, and until when, `expires`. */
function fromConnectRedis(id: string, members: Map<string, JsonText>, now: number): Session {
  const { permanent } = defaultLimits()
  const cookie = members.get('cookie') ?? '{}'
  members.delete('cookie')
  const maxAge = Number(kindOf(cookie) === 'object' ? findMember(cookie, 'originalMaxAge') : NaN)
  const expires = Date.parse(readText(cookie, 'expires'))
  const idleTimeoutMs = maxAge > 0 ? Math.round(maxAge) : REDIS_TTL_MS
  return {
    ...blank(id, members, now),
    lastSeenAt: Number.isNaN(expires) ? now : Math.min(now, expires - idleTimeoutMs),
    idleTimeoutMs,
    lifetimeMs: Math.max(permanent.lifetimeMs, idleTimeoutMs),
  }
}

/** `_permanent` is Flask's flag; the times are this server's defaults. */
function fromFlaskSession(id: string, members: Map<string, JsonText>, now: number): Session {
  const isPermanent = members.get('_permanent')?.trim() === 'true'
  members.delete('_permanent')
  const { ordinary, permanent } = defaultLimits()
  const limits = isPermanent ? permanent : ordinary
  return { ...blank(id, members, now), permanent: isPermanent, ...limits }
}

/** No secret is known of it: back ends open it by its id. */
function blank(id: string, members: ReadonlyMap<string, JsonText>, now: number): Session {
  return {
    id,
    secretHash: null,
    data: renderObject(members),
    claims: '{}',
    permanent: false,
    createdAt: now,
    lastSeenAt: now,
    idleTimeoutMs: 0,
    lifetimeMs: 0,
    version: 1,
    device: null,
  }
}

function defaultLimits() {
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
  if (kindOf(parseJson(text, MAX_DEPTH, 'value')) === 'object') return parseObject(text)
  throw invalid('its value must be a JSON object, or a string that holds one')
}

function readText(object: JsonText, name: string): string {
  const value = kindOf(object) === 'object' ? findMember(object, name) : undefined
  return value !== undefined && kindOf(value) === 'string' ? String(JSON.parse(value)) : ''
}

function invalid(reason: string): CoatcheckError {
  return new CoatcheckError('invalid_argument', `Cannot read the session: ${reason}`)
}
