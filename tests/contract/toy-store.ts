/**
 * A store that keeps the contract in a map: what a store has to do by itself, and what the rules in
 * `lib/session/` do for it. Nothing of it is durable or fast, and it takes no equal time.
 */
import { emptyHistogram } from '../../lib/base/histogram.ts'
import { CoatcheckError } from '../../lib/base/errors.ts'
import { findSub } from '../../lib/session/claims.ts'
import { chooseEvicted, isCounted } from '../../lib/session/eviction.ts'
import type { SessionLimits } from '../../lib/session/limits.ts'
import { applyOperation } from '../../lib/session/operations.ts'
import { checkPrecondition } from '../../lib/session/precondition.ts'
import { ABSENT, findEnded, findStored, isRemembered } from '../../lib/session/retention.ts'
import { type ActiveCount, createRecentActivity } from '../../lib/session/recent-activity.ts'
import {
  type EndReason,
  endSession,
  expireSession,
  type Found,
  isLive,
  type Session,
  type Tombstone,
  touchSession,
} from '../../lib/session/session.ts'
import type { FeedRetention } from '../../lib/store/feed-store.ts'
import type { ApiKey, KeyStore } from '../../lib/store/key-store.ts'
import { isReservedId } from '../../lib/session/reserved-id.ts'
import { appOf } from '../../lib/session/session-id.ts'
import type { Cursor, Selection } from '../../lib/store/selection.ts'
import type { Store } from '../../lib/store/store.ts'
import { createToyBrowse } from './toy-browse.ts'
import { createToyFeed } from './toy-feed.ts'
import { ACTIVE_METRIC_MS } from '../../lib/store/store-counts.ts'

export function createToyStore(
  limits: SessionLimits,
  keepEndedMs: number,
  retention: FeedRetention,
): Store {
  /** By a number that grows, in the order in which they came. */
  const rows = new Map<number, Session>()
  const tombstones = new Map<string, Tombstone>()
  let lastNumber = 0
  const feed = createToyFeed(retention)

  function findRow(id: string): [number: number, session: Session] | undefined {
    return [...rows].find(([, session]) => session.id === id)
  }

  function find(id: string, now: number): Found {
    const row = findRow(id)
    if (row !== undefined) return findStored(row[1], now, keepEndedMs)
    const tombstone = tombstones.get(id)
    return tombstone === undefined ? ABSENT : findEnded(tombstone, now, keepEndedMs)
  }

  function put(session: Session, number = ++lastNumber): void {
    rows.set(number, session)
  }

  function liveOf({ app, sub }: Selection, now: number): Session[] {
    return [...rows.values()].filter(
      (session) =>
        isLive(session, now) &&
        !isReservedId(session.id) &&
        (app === undefined || appOf(session.id) === app) &&
        (sub === undefined || findSub(session.claims) === sub),
    )
  }

  const activity = createRecentActivity(0)
  let latest = 0
  const note = (session: Session): void => {
    latest = session.lastSeenAt
    activity.note(session, session.lastSeenAt, latest)
  }
  const countActive = (app: string | undefined, withinMs: number, now: number): ActiveCount => {
    const active = activity.count(app, withinMs, now)
    if (active !== undefined) return active
    throw new CoatcheckError('overloaded', 'Cannot count: too many apps have active sessions')
  }

  const done = { created: 0, changed: 0, touched: 0, forgotten: 0 }
  const ended = { idle_timeout: 0, lifetime: 0, logout: 0, renewed: 0, revoked: 0, evicted: 0 }

  function finish(id: string, now: number, reason: EndReason): void {
    const [number, session] = findRow(id) ?? []
    if (number === undefined || session === undefined) return
    rows.delete(number)
    tombstones.set(id, endSession(session, reason, now))
    if (!isReservedId(id)) ended[reason]++
    feed.ended(session, reason, now)
  }

  /** Ends the oldest others of the `sub` that are one too many, or throws, before anything is written. */
  function makeRoom(id: string, sub: string | undefined, now: number): readonly string[] {
    if (!isCounted(sub, limits)) return []
    const others = liveOf({ app: undefined, sub }, now).filter(
      (other) => other.id !== id && appOf(other.id) === appOf(id),
    )
    const oldestFirst = others.toSorted((a, b) => a.createdAt - b.createdAt)
    const evicted = chooseEvicted(
      oldestFirst.map((other) => other.id),
      limits,
    )
    for (const other of evicted) finish(other, now, 'evicted')
    return evicted
  }

  return {
    find,

    async list({ after, limit, ...which }, now) {
      const start = parseCursor(after)
      const live = liveOf(which, now)
      const found = [...rows].filter(
        ([number, session]) => number > start && live.includes(session),
      )
      const page = found.slice(0, limit)
      const next = found.length > limit ? String(page.at(-1)?.[0]) : undefined
      return { sessions: page.map(([, session]) => session), damaged: [], next }
    },

    count: async (which, now) => liveOf(which, now).length,

    async insert(session) {
      const { id, claims, createdAt } = session
      if (find(id, createdAt).state !== 'absent') return { inserted: false, evicted: [] }
      // One that has expired and been forgotten may wait for the sweep.
      const [number, last] = findRow(id) ?? []
      if (number !== undefined) rows.delete(number)
      if (last !== undefined) feed.expired(last)
      const evicted = makeRoom(id, findSub(claims), createdAt)
      put(session)
      feed.add({ type: 'session.created', session: id, sub: findSub(claims), at: createdAt })
      note(session)
      if (!isReservedId(id)) done.created++
      return { inserted: true, evicted }
    },

    async change(id, now, operation) {
      const found = find(id, now)
      const [number] = findRow(id) ?? []
      if (found.state !== 'live') return found
      const before = touchSession(found.session, now)
      const { session, value } = applyOperation(before, operation, limits)
      const sub = findSub(session.claims)
      const isAssigned = sub !== findSub(before.claims)
      const evicted = isAssigned ? makeRoom(id, sub, now) : undefined
      put(session, number)
      note(session)
      if (session !== before && !isReservedId(id)) done.changed++
      const event = { session: id, sub, at: now }
      if (isAssigned) {
        feed.add({ type: 'session.assigned', ...event, subBefore: findSub(before.claims) })
      }
      if (session.id !== id) {
        ended.renewed++
        tombstones.set(id, endSession(before, 'renewed', now))
        feed.add({ type: 'session.renewed', ...event, renewedAs: session.id })
      }
      return {
        state: 'live',
        session,
        ...(value !== undefined && { value }),
        ...(evicted !== undefined && { evicted }),
      }
    },

    async end(id, now, reason, when) {
      const found = find(id, now)
      if (found.state !== 'live') return found
      if (when !== undefined) checkPrecondition(when, found.session.version, true)
      finish(id, now, reason)
      return found
    },

    async endMany({ except, ...which }, now, reason, limit) {
      const live = liveOf(which, now).filter(({ id }) => id !== except)
      const ending = live.slice(0, limit)
      for (const { id } of ending) finish(id, now, reason)
      return { ended: ending.length, more: live.length > limit }
    },

    touch(id, now) {
      const [number, session] = findRow(id) ?? []
      if (!isReservedId(id)) done.touched++
      if (session === undefined) return
      const touched = touchSession(session, now)
      put(touched, number)
      note(touched)
    },

    active: async ({ app, withinMs }, now) => countActive(app, withinMs, now),

    browse: createToyBrowse(liveOf, () => [...tombstones.values()], keepEndedMs, feed.history),
    keys: createToyKeys(),

    feed: feed.store,

    async sweep(now) {
      let sweptNow = 0
      for (const [number, session] of rows) {
        if (isLive(session, now)) continue
        rows.delete(number)
        const tombstone = expireSession(session)
        tombstones.set(session.id, tombstone)
        if (!isReservedId(session.id)) ended[tombstone.reason]++
        feed.expired(session)
        if (!isReservedId(session.id)) sweptNow++
      }
      const forgotten = [...tombstones.values()].filter(
        (tombstone) => !isRemembered(tombstone, now, keepEndedMs),
      )
      for (const { id } of forgotten) tombstones.delete(id)
      done.forgotten += forgotten.length
      feed.forget(now)
      return { ended: sweptNow, removed: forgotten.length, damaged: 0 }
    },

    counts: () => ({
      sessions: [...rows.values()].filter(({ id }) => !isReservedId(id)).length,
      ...done,
      ended: { ...ended },
      events: feed.counts(),
      active: countActive(undefined, ACTIVE_METRIC_MS, latest),
      lookups: { hit: 0, miss: 0 },
      queue: { length: 0, limit: 1 },
      batches: emptyHistogram(),
      commits: emptyHistogram(),
      work: {},
      figures: {},
    }),

    health: () => ({ state: 'ok', writes: 'all', reasons: [], figures: {} }),

    async close() {},
  }
}

function parseCursor(cursor: Cursor | undefined): number {
  if (cursor === undefined) return 0
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor)
  throw new CoatcheckError('invalid_argument', 'Cannot read the cursor: it is none of this store')
}

function createToyKeys(): KeyStore {
  let keys: readonly ApiKey[] = []
  const isInForce = (key: ApiKey, name: string) => key.name === name && key.revokedAt === null

  return {
    list: async () => keys,
    async add(key) {
      if (keys.some((other) => other.hash === key.hash || isInForce(other, key.name))) return false
      keys = [...keys, key].toSorted((a, b) => a.createdAt - b.createdAt)
      return true
    },
    async revoke(name, revokedAt) {
      const found = keys.find((key) => isInForce(key, name))
      keys = keys.map((key) => (key === found ? { ...key, revokedAt } : key))
      return found !== undefined
    },
    async noteUses(uses) {
      const at = new Map(uses.map(({ hash, usedAt }) => [hash, usedAt]))
      keys = keys.map((key) => {
        const usedAt = at.get(key.hash)
        if (usedAt === undefined) return key
        return { ...key, lastUsedAt: Math.max(usedAt, key.lastUsedAt ?? 0) }
      })
    },
  }
}
