/** A session as the database has it: live, or ended and remembered, in one row. */
import { findSub } from '../../session/claims.ts'
import { ABSENT, findEnded } from '../../session/retention.ts'
import {
  endSession,
  type EndReason,
  expiresAt,
  type Found,
  isLive,
  type Session,
  type Tombstone,
  touchSession,
} from '../../session/session.ts'
import { appOf } from '../../session/session-id.ts'

/**
 * `number`: the session's place in lists, 0 for a new one; `sweepAt`: when the sweep must look, never
 * later than it expires; undefined once that is done. `ended`: sealed, nothing changes it any more.
 */
export type Row = {
  readonly session: Session
  readonly number: number
  readonly sub: string | undefined
  readonly sweepAt: number | undefined
  readonly ended: Pick<Tombstone, 'reason' | 'endedAt'> | undefined
}

/** The order of the fields in all that is read. */
export const COLUMNS = `id, secret_hash, data, claims, permanent, created_at, last_seen_at, idle_timeout_ms,
  lifetime_ms, own_idle_timeout, own_lifetime, version, device, number, sub, sweep_at, reason, ended_at,
  keep_ended_ms`

export function parseRow(fields: readonly unknown[]): Row {
  const [
    id,
    secretHash,
    data,
    claims,
    permanent,
    createdAt,
    lastSeenAt,
    idleTimeoutMs,
    lifetimeMs,
    ownIdleTimeout,
    ownLifetime,
    version,
    device,
    number,
    sub,
    sweepAt,
    reason,
    endedAt,
    keepEndedMs,
  ] = fields as Fields
  return {
    session: {
      id,
      secretHash,
      data,
      claims,
      permanent,
      createdAt,
      lastSeenAt,
      idleTimeoutMs,
      lifetimeMs,
      ownIdleTimeout,
      ownLifetime,
      version,
      device,
      ...(keepEndedMs !== null && { keepEndedMs }),
    },
    number,
    sub: sub ?? undefined,
    sweepAt: sweepAt ?? undefined,
    ended: reason === null ? undefined : { reason, endedAt: endedAt ?? 0 },
  }
}

type Fields = [
  id: string,
  secretHash: string | null,
  data: string,
  claims: string,
  permanent: boolean,
  createdAt: number,
  lastSeenAt: number,
  idleTimeoutMs: number,
  lifetimeMs: number,
  ownIdleTimeout: boolean,
  ownLifetime: boolean,
  version: number,
  device: string | null,
  number: number,
  sub: string | null,
  sweepAt: number | null,
  reason: EndReason | null,
  endedAt: number | null,
  keepEndedMs: number | null,
]

/** `due`: past its time, and not sealed yet: activity that others know of may still prolong it. */
export type Seen = Found | { readonly state: 'due' }

/** What a row shows at `now`, with activity at `seenAt` that the database does not know of yet. */
export function see(row: Row | undefined, now: number, seenAt: number, keepEndedMs: number): Seen {
  if (row === undefined) return ABSENT
  const { session, ended } = row
  if (ended !== undefined) {
    return findEnded(endSession(session, ended.reason, ended.endedAt), now, keepEndedMs)
  }
  const touched = touchSession(session, seenAt)
  // control: due-until-sealed
  return isLive(touched, now) ? { state: 'live', session: touched } : { state: 'due' }
}

/** The row of a live session after a write; `before`: the one that it had. */
export function liveRow(session: Session, before: Row | undefined): Row {
  return {
    session,
    number: before?.number ?? 0,
    sub: session.claims === before?.session.claims ? before.sub : findSub(session.claims),
    sweepAt: Math.min(before?.sweepAt ?? Infinity, expiresAt(session)),
    ended: undefined,
  }
}

/** What is left of a session that ends: no data, and nothing that the sweep must look at. */
export function endedRow({ session, number }: Row, reason: EndReason, endedAt: number): Row {
  // A renewed token is remembered as the setting says, see `endSession`.
  const { keepEndedMs, ...rest } = session
  const own = keepEndedMs !== undefined && reason !== 'renewed' ? { keepEndedMs } : {}
  return {
    session: { ...rest, ...own, data: '', claims: '', device: null },
    number,
    sub: undefined,
    sweepAt: undefined,
    ended: { reason, endedAt },
  }
}

/** The row of a session that has ended elsewhere; of what is gone with a session, anything will do. */
export function buriedRow({ id, secretHash, reason, endedAt, keepEndedMs }: Tombstone): Row {
  const times = { createdAt: endedAt, lastSeenAt: endedAt, idleTimeoutMs: 1, lifetimeMs: 1 }
  const session = {
    ...{ id, secretHash, data: '', claims: '', permanent: false, ...times },
    ...{ ownIdleTimeout: false, ownLifetime: false, version: 1, device: null },
    ...(keepEndedMs !== undefined && { keepEndedMs }),
  }
  return { session, number: 0, sub: undefined, sweepAt: undefined, ended: { reason, endedAt } }
}

/** One array for each column, as `unnest` takes them; `versionBefore` guards each row. */
export function columnsOf(writes: readonly RowWrite[]): unknown[] {
  const sessions = writes.map(({ row }) => row.session)
  return [
    sessions.map(({ id }) => id),
    writes.map(({ row }) => row.number),
    writes.map(({ versionBefore }) => versionBefore),
    sessions.map(({ secretHash }) => secretHash),
    sessions.map(({ data }) => data),
    sessions.map(({ claims }) => claims),
    sessions.map(({ id }) => appOf(id) ?? null),
    writes.map(({ row }) => row.sub ?? null),
    sessions.map(({ permanent }) => permanent),
    sessions.map(({ createdAt }) => createdAt),
    sessions.map(({ lastSeenAt }) => lastSeenAt),
    sessions.map(({ idleTimeoutMs }) => idleTimeoutMs),
    sessions.map(({ lifetimeMs }) => lifetimeMs),
    sessions.map(({ ownIdleTimeout }) => ownIdleTimeout),
    sessions.map(({ ownLifetime }) => ownLifetime),
    sessions.map(({ version }) => version),
    sessions.map(({ device }) => device),
    writes.map(({ row }) => row.sweepAt ?? null),
    writes.map(({ row }) => row.ended?.reason ?? null),
    writes.map(({ row }) => row.ended?.endedAt ?? null),
    sessions.map(({ keepEndedMs }) => keepEndedMs ?? null),
  ]
}

/** `versionBefore`: 0 for a row that is new. */
export type RowWrite = { readonly row: Row; readonly versionBefore: number }
