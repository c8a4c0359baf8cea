/**
 * The bodies of the API as JSON Schemas (2020-12), by name. Those of answers are closed: a member that is
 * not here is none of the API.
 */
import { LONGEST_ADVANCE_MS } from '../service/test-time.ts'
import { END_REASONS } from '../session/session.ts'
import { LONGEST_KEEP_ENDED_MS } from '../session/retention.ts'
import { FEED_EVENT_TYPES } from '../store/feed-store.ts'
import { LONGEST_IDLE_TIMEOUT_MS, LONGEST_LIFETIME_MS } from '../session/time-limits.ts'

/** A JSON Schema, or a part of one. */
export type Schema = { readonly [keyword: string]: unknown }

const TIME: Schema = { type: 'string', format: 'date-time' }
const FLAG: Schema = { type: 'boolean' }
const TEXT: Schema = { type: 'string' }
const ID: Schema = {
  type: 'string',
  minLength: 1,
  maxLength: 161,
  description: 'The id of a session; for a key of all apps with the app before a `~`',
}
const CURSOR: Schema = { type: 'string', pattern: '^[A-Za-z0-9_-]+$' }
const COUNT: Schema = { type: 'integer', minimum: 0 }

/** Whatever the application keeps; integers of 64 bits and the like come back as they were put. */
const DATA: Schema = { type: 'object', additionalProperties: true }
const CLAIMS: Schema = {
  type: 'object',
  additionalProperties: true,
  properties: { sub: { type: 'string', minLength: 1, description: 'The user' } },
}
const LOGIN: Schema = {
  ...CLAIMS,
  required: ['sub'],
  description:
    'Who logs in: all claims from then on. Limits and `permanent` that are not given come from the settings, ' +
    'the lifetime begins anew, and the token changes; the data stay',
}

const LIFE = {
  permanent: FLAG,
  createdAt: TIME,
  lastSeenAt: TIME,
  expiresAt: { ...TIME, description: 'The first moment at which it has ended, unless used before' },
  lifetimeEndsAt: {
    ...TIME,
    description:
      'The moment at which it ends however much it is used; of a session without a lifetime the last one ' +
      'of the year 9999',
  },
}
const WHOLE = { id: ID, data: DATA, claims: CLAIMS, ...LIFE }
const DEVICE: Schema = closed({ address: TEXT, userAgent: TEXT }, [])
const FOR_BACK_END = {
  ...WHOLE,
  device: { ...DEVICE, type: ['object', 'null'], description: 'Who created it; null if not kept' },
}
const KEPT = {
  keepEnded: {
    type: 'number',
    description: 'Seconds for which its end is remembered; absent where the setting says it',
  },
}
const EVICTED = {
  evicted: { type: 'array', items: ID, description: 'The sessions that ended to make room' },
}

/** The members of a `PATCH` that change data by their keys. */
const EDITS = {
  set: { ...DATA, description: 'Keys with their new values; null is a value' },
  remove: {
    type: 'array',
    items: TEXT,
    description: 'Keys that go; one that is not there is no fault',
  },
  increment: {
    type: 'object',
    additionalProperties: { type: 'number' },
    description: 'Keys with what is added to their numbers; a missing one begins at 0',
  },
  extend: {
    type: 'object',
    additionalProperties: { type: 'array' },
    description: 'Keys with the items that are added to their lists; a missing one begins empty',
  },
  in: {
    type: 'object',
    additionalProperties: { $ref: '#/components/schemas/Edits' },
    description: 'Keys with edits of the objects under them; a missing one begins empty',
  },
}

const NEW_LIMITS = {
  idleTimeout: secondsTo(LONGEST_IDLE_TIMEOUT_MS),
  lifetime: {
    ...secondsTo(LONGEST_LIFETIME_MS),
    type: ['integer', 'null'],
    description: 'Seconds; null: as long as it is used',
  },
  keepEnded: {
    ...secondsTo(LONGEST_KEEP_ENDED_MS),
    minimum: 0,
    type: ['integer', 'null'],
    description: 'Seconds for which its end is remembered; null: as the setting says',
  },
  lifetimeFrom: {
    enum: ['creation', 'now'],
    description: '`now`: the lifetime begins with this write',
  },
}
const COOKIE_TARGET = {
  path: TEXT,
  domain: TEXT,
  sameSite: { enum: ['Strict', 'Lax', 'None'] },
  secure: FLAG,
  httpOnly: FLAG,
  partitioned: FLAG,
}

export const SCHEMAS = {
  Value: { description: 'Any JSON value' },
  Data: DATA,
  Text: TEXT,
  Session: closed(WHOLE),
  VerifiedSession: {
    ...closed(WHOLE, ['id', ...Object.keys(LIFE)]),
    description: 'Without data and claims where holders have no access (--holder-access none)',
  },
  BackEndSession: closed({ ...FOR_BACK_END, ...KEPT, ...EVICTED }, Object.keys(FOR_BACK_END)),
  HandedOutSession: closed(
    {
      ...FOR_BACK_END,
      ...KEPT,
      token: { ...TEXT, description: 'The new token; it is shown here and nowhere else' },
      setCookie: {
        ...TEXT,
        description: "The value of a `Set-Cookie` header for the holder's browser",
      },
      ...EVICTED,
    },
    Object.keys(FOR_BACK_END),
  ),
  SessionPage: closed(
    {
      sessions: { type: 'array', items: { $ref: '#/components/schemas/BackEndSession' } },
      next: { type: ['string', 'null'], description: 'For `?after=` of the next page' },
      damaged: { type: 'array', items: ID, description: 'Sessions that storage cannot give back' },
    },
    ['sessions', 'next'],
  ),
  SessionCount: closed({ count: COUNT }),
  Event: closed(
    {
      id: { ...CURSOR, description: 'Its place in the feed, for `?after=`' },
      type: { enum: FEED_EVENT_TYPES },
      at: { ...TIME, description: 'When it happened; of an expiry, when the time was up' },
      session: ID,
      sub: { ...TEXT, description: 'The user since then, or at the end; absent for nobody' },
      renewedAs: { ...ID, description: 'Of a renewal: the id from then on' },
      subBefore: { ...TEXT, description: 'Of an assignment: the user before; absent for nobody' },
      reason: { enum: END_REASONS.filter((reason) => reason !== 'renewed') },
    },
    ['id', 'type', 'at', 'session'],
  ),
  EventPage: closed({
    events: { type: 'array', items: { $ref: '#/components/schemas/Event' } },
    next: {
      ...CURSOR,
      description: 'For `?after=` of the next page; the same as before at the end',
    },
  }),
  NewSession: closed(
    { data: DATA, claims: CLAIMS, permanent: FLAG, ...NEW_LIMITS, device: DEVICE },
    [],
  ),
  SessionPatch: {
    ...closed(
      { data: DATA, ...EDITS, claims: CLAIMS, login: LOGIN, permanent: FLAG, ...NEW_LIMITS },
      [],
    ),
    description:
      '`data` and `claims` are JSON Merge Patches (RFC 7396); in place of `data` there may be edits. ' +
      '`claims`, or `login` in its place, and the times are for back ends',
  },
  Edits: { ...closed(EDITS, []), description: 'Edits of an object by its keys; each key once' },
  JsonPatch: {
    type: 'array',
    description: 'A JSON Patch (RFC 6902) of the session, with paths such as `/data/user`',
    items: {
      type: 'object',
      properties: {
        op: { enum: ['add', 'remove', 'replace', 'move', 'copy', 'test'] },
        path: TEXT,
        from: TEXT,
        value: {},
      },
      required: ['op', 'path'],
    },
  },
  KeyPatch: {
    oneOf: [
      closed({ increment: { type: 'number' } }),
      closed({ append: { description: 'Any JSON value' } }),
      closed({ merge: DATA }),
    ],
  },
  Active: closed({
    within: { ...COUNT, description: 'The seconds that were asked for' },
    users: { ...COUNT, description: 'About how many users: `claims.sub`, in each app of its own' },
    sessions: { ...COUNT, description: 'About how many sessions' },
    since: {
      ...TIME,
      description:
        'From when on activity is counted: the begin of a minute, or the start of the server if that was later',
    },
  }),
  Ended: closed({ ended: COUNT, more: { ...FLAG, description: 'Some may be left: call again' } }),
  Cookies: { type: 'object', additionalProperties: TEXT, description: 'The cookies by name' },
  Cookie: closed(
    {
      value: TEXT,
      raw: { ...FLAG, description: 'The value as it is, not percent-encoded' },
      maxAge: { type: 'integer', description: 'Seconds' },
      expires: { ...TEXT, description: 'A date with its zone, as in HTTP or in ISO 8601' },
      ...COOKIE_TARGET,
      priority: { enum: ['Low', 'Medium', 'High'] },
    },
    ['value'],
  ),
  CookieTarget: closed(COOKIE_TARGET, []),
  Health: {
    type: 'object',
    description: "The state, and the storage's own figures",
    properties: {
      status: { enum: ['ok', 'degraded', 'unreachable', 'failed', 'stopping'] },
      storage: { ...TEXT, description: "The worst reason, in the storage's own word" },
      writes: { enum: ['all', 'ends_only', 'none'] },
      weaknesses: {
        type: 'array',
        items: TEXT,
        description:
          'Promises that hold only in part as the storage is set up; absent where all hold',
      },
    },
    required: ['status', 'storage', 'writes'],
    additionalProperties: { type: 'number' },
  },
  Clock: closed({ now: TIME }),
  ClockAdvance: closed({
    advance: {
      type: 'integer',
      minimum: 0,
      maximum: LONGEST_ADVANCE_MS / 1_000,
      description: 'Seconds',
    },
  }),
  ClockAdvanced: closed({
    now: TIME,
    ended: { ...COUNT, description: 'Sessions that this has ended' },
    removed: { ...COUNT, description: 'Ended sessions that this has forgotten' },
  }),
  Document: {
    type: 'object',
    properties: { openapi: TEXT, paths: { type: 'object' } },
    required: ['openapi', 'paths'],
    additionalProperties: true,
  },
  Problem: closed(
    {
      type: { type: 'string', format: 'uri', description: '`urn:coatcheck:` and the code' },
      title: TEXT,
      status: { type: 'integer' },
      detail: { ...TEXT, description: 'What was wanted, what came, and the way out; for people' },
      code: { ...TEXT, description: 'For programs; it never changes' },
      reason: {
        ...TEXT,
        description: `Why there is no session, or why it ended: ${END_REASONS.join(', ')}`,
      },
      endedAt: TIME,
      retryAfter: { ...COUNT, description: 'Seconds' },
      allow: { ...TEXT, description: 'The methods that there are here' },
      rule: { ...TEXT, description: 'The rule that a cookie breaks' },
      scope: { ...TEXT, description: 'The scope that an API key needs for this' },
      oldest: { ...CURSOR, description: 'The cursor after which all events are kept' },
    },
    ['type', 'title', 'status', 'detail', 'code'],
  ),
} as const satisfies Readonly<Record<string, Schema>>

export type SchemaName = keyof typeof SCHEMAS

function secondsTo(mostMs: number): Schema {
  return { type: 'integer', minimum: 1, maximum: mostMs / 1_000, description: 'Seconds' }
}

/** An object with these members and no other. */
function closed(properties: Schema, required: readonly string[] = Object.keys(properties)): Schema {
  return { type: 'object', properties, required, additionalProperties: false }
}
