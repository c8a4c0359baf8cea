/**
 * Who was active lately, about: a pair of sketches a minute, of sessions and of users, for all apps
 * together and for each app that has sessions of its own.
 */
import { createSketch, estimate, REGISTERS, type Sketch } from '../base/hyperloglog.ts'
import { CoatcheckError } from '../base/errors.ts'
import { findSub } from './claims.ts'
import { isReservedId } from './reserved-id.ts'
import { appOf } from './session-id.ts'
import type { Session } from './session.ts'

/** About how many were active. A user who is so in two apps is two. */
export type ActiveCount = {
  readonly sessions: number
  /** Those that a session has in `claims.sub`. */
  readonly users: number
  /** The moment from which on activity is counted, in milliseconds since the Unix epoch. */
  readonly since: number
}

export type RecentActivity = {
  /**
   * Notes that a session was active at `seenAt`; without claims its user is not known. What is not in
   * the last hour is not noted.
   */
  note(session: ActiveSession, seenAt: number, now: number): void
  /**
   * Of one app, or of all apps together where it is undefined. `since` is the start of the minute that
   * began this long ago, or later where activity is not known from then on. Undefined for an app that
   * had no place among those that are counted.
   */
  count(app: string | undefined, withinMs: number, now: number): ActiveCount | undefined
}

/** `claims` is undefined where they are not known. */
export type ActiveSession = Pick<Session, 'id'> & {
  readonly claims?: Session['claims'] | undefined
}

/** The time for which counts can be asked, in whole minutes. */
export const SHORTEST_ACTIVE_MS = 60_000
export const LONGEST_ACTIVE_MS = 3_600_000

const MINUTE_MS = 60_000
/** The one that is not over, and the part of another with which the longest time began. */
const MINUTES = LONGEST_ACTIVE_MS / MINUTE_MS + 1

/** A pair of sketches takes 64 KiB at most, so each app takes 4 MB, and all of them 64 MB. */
const APP_LIMIT = 16

/** Where no app is meant. No app has this name. */
const ALL_APPS = ''

type Minute = { readonly number: number; readonly sessions: Sketch; readonly users: Sketch }

/** The minutes of one app, each at its number modulo `MINUTES`. */
type Ring = {
  readonly minutes: (Minute | undefined)[]
  /** From here on nothing is missing. */
  readonly since: number
  lastMinute: number
}

/** `startedAt`: activity before it is not known. */
export function createRecentActivity(startedAt: number): RecentActivity {
  const rings = new Map<string, Ring>([[ALL_APPS, createRing(startedAt)]])
  /** When activity was last passed over, of an app that had no place. */
  let passedOverAt = -Infinity

  function findOrCreateRing(app: string, now: number): Ring | undefined {
    const known = rings.get(app)
    if (known !== undefined) return known
    if (rings.size > APP_LIMIT) dropIdle(rings, minuteOf(now))
    if (rings.size > APP_LIMIT) {
      passedOverAt = now
      return undefined
    }
    const ring = createRing(Math.max(startedAt, passedOverAt))
    rings.set(app, ring)
    return ring
  }

  return {
    note({ id, claims }, seenAt, now) {
      // control: own-sessions-not-active
      if (isReservedId(id)) return
      // A clock that was set back leaves times that are still to come.
      const number = minuteOf(Math.min(seenAt, now))
      if (number <= minuteOf(now) - MINUTES) return
      const app = appOf(id)
      const sub = claims === undefined ? undefined : findSub(claims)
      const user = sub === undefined ? undefined : `${app ?? ''}~${sub}`
      add(rings.get(ALL_APPS), number, id, user)
      if (app !== undefined) add(findOrCreateRing(app, now), number, id, user)
    },

    count(app, withinMs, now) {
      const first = minuteOf(now - withinMs)
      const from = first * MINUTE_MS
      const ring = rings.get(app ?? ALL_APPS)
      if (ring === undefined) {
        // Not active, if none was passed over.
        if (passedOverAt >= from) return undefined
        return { sessions: 0, users: 0, since: Math.max(from, startedAt) }
      }
      const { sessions, users } = countFrom(ring, first, minuteOf(now))
      return { sessions, users, since: Math.min(now, Math.max(from, ring.since)) }
    },
  }
}

/** When to ask again for an app that has no place: others leave theirs with the minutes. */
const ROOM_AFTER_SECONDS = 60

/** What `count` has returned; throws `overloaded` where the app had no place. */
export function requireCounted(found: ActiveCount | undefined): ActiveCount {
  if (found !== undefined) return found
  throw new CoatcheckError(
    'overloaded',
    'Cannot count who was active in this app: it is not among the apps whose activity is kept, and ' +
      'no more are; one that nobody uses for an hour makes room',
    { retryAfter: ROOM_AFTER_SECONDS },
  )
}

function createRing(since: number): Ring {
  return { minutes: [], since, lastMinute: -Infinity }
}

function minuteOf(time: number): number {
  return Math.floor(time / MINUTE_MS)
}

function dropIdle(rings: Map<string, Ring>, minute: number): void {
  for (const [app, { lastMinute }] of rings) {
    if (app !== ALL_APPS && lastMinute <= minute - MINUTES) rings.delete(app)
  }
}

function add(ring: Ring | undefined, number: number, id: string, user: string | undefined): void {
  if (ring === undefined) return
  const { sessions, users } = minuteIn(ring, number)
  sessions.add(id)
  if (user !== undefined) users.add(user)
}

function minuteIn(ring: Ring, number: number): Minute {
  const known = ring.minutes[number % MINUTES]
  if (known?.number === number) return known
  const minute = { number, sessions: createSketch(), users: createSketch() }
  ring.minutes[number % MINUTES] = minute
  ring.lastMinute = number
  return minute
}

function countFrom({ minutes }: Ring, first: number, last: number) {
  const sessions = new Uint8Array(REGISTERS)
  const users = new Uint8Array(REGISTERS)
  for (const minute of minutes) {
    if (minute === undefined || minute.number < first || minute.number > last) continue
    minute.sessions.mergeInto(sessions)
    minute.users.mergeInto(users)
  }
  return { sessions: estimate(sessions), users: estimate(users) }
}
