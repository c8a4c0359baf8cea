/**
 * A store that keeps the contract in a map: what a store has to do by itself, and what the rules in
 * `lib/session/` do for it. Nothing of it is durable or fast, and it takes no equal time.
 */
import { CoatcheckError } from '../../lib/base/errors.ts'
import { findSub } from '../../lib/session/claims.ts'
import { chooseEvicted, isCounted } from '../../lib/session/eviction.ts'
import type { SessionLimits } from '../../lib/session/limits.ts'
import { applyOperation } from '../../lib/session/operations.ts'
import { checkPrecondition } from '../../lib/session/precondition.ts'
import { ABSENT, findEnded, findStored, isRemembered } from '../../lib/session/retention.ts'
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
import type { ApiKey, KeyStore } from '../../lib/store/key-store.ts'
import type { Cursor, Store } from '../../lib/store/store.ts'

export function createToyStore(limits: SessionLimits, keepEndedMs: number): Store {
  /** By a number that grows, in the order in which they came. */
  const rows = new Map<number, Session>()
  const tombstones = new Map<string, Tombstone>()
  let lastNumber = 0

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

  function liveOf(sub: string | undefined, now: number): Session[] {
    const live = [...rows.values()].filter((session) => isLive(session, now))
    return sub === undefined ? live : live.filter(({ claims }) => findSub(claims) === sub)
  }

  function finish(id: string, now: number, reason: EndReason): void {
    const [number, session] = findRow(id) ?? []
    if (number === undefined || session === undefined) return
    rows.delete(number)
    tombstones.set(id, endSession(session, reason, now))
  }

  /** Ends the oldest others of the `sub` that are one too many, or throws, before anything is written. */
  function makeRoom(id: string, sub: string | undefined, now: number): readonly string[] {
    if (!isCounted(sub, limits)) return []
    const others = liveOf(sub, now).filter((other) => other.id !== id)
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

    async list({ sub, after, limit }, now) {
      const start = parseCursor(after)
      const live = liveOf(sub, now)
      const found = [...rows].filter(
        ([number, session]) => number > start && live.includes(session),
      )
      const page = found.slice(0, limit)
      const next = found.length > limit ? String(page.at(-1)?.[0]) : undefined
      return { sessions: page.map(([, session]) => session), damaged: [], next }
    },

    async insert(session) {
      const { id, claims, createdAt } = session
      if (find(id, createdAt).state !== 'absent') return { inserted: false, evicted: [] }
      const evicted = makeRoom(id, findSub(claims), createdAt)
      // One that has expired and been forgotten may wait for the sweep.
      const [number] = findRow(id) ?? []
      if (number !== undefined) rows.delete(number)
      put(session)
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
      if (session.id !== id) tombstones.set(id, endSession(before, 'renewed', now))
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

    async endMany({ sub, except }, now, reason, limit) {
      const live = liveOf(sub, now).filter(({ id }) => id !== except)
      const ending = live.slice(0, limit)
      for (const { id } of ending) finish(id, now, reason)
      return { ended: ending.length, more: live.length > limit }
    },

    touch(id, now) {
      const [number, session] = findRow(id) ?? []
      if (session !== undefined) put(touchSession(session, now), number)
    },

    keys: createToyKeys(),

    async sweep(now) {
      let ended = 0
      for (const [number, session] of rows) {
        if (isLive(session, now)) continue
        rows.delete(number)
        tombstones.set(session.id, expireSession(session))
        ended++
      }
      const forgotten = [...tombstones.values()].filter(
        (tombstone) => !isRemembered(tombstone, now, keepEndedMs),
      )
      for (const { id } of forgotten) tombstones.delete(id)
      return { ended, removed: forgotten.length, damaged: 0 }
    },

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
  }
}
