/**
 * Everything that is asked of the database about sessions. A statement is prepared once for a connection by
 * its name.
 *
 * Order of locks, so that nobody waits in a circle: rows of `locks` by number, then sessions by id. A
 * statement over many sessions takes them in the order of its arrays, which are sorted by id.
 */
import type { EndReason } from '../../session/session.ts'
import type { Statement } from '../connection/connection.ts'
import { tellEnds, tellGiven } from './event-statements.ts'
import { COLUMNS } from './rows.ts'

export const BEGIN: Statement = {
  name: 'cc_begin',
  text: 'begin isolation level read committed',
}
export const COMMIT: Statement = { name: 'cc_commit', text: 'commit' }
export const ROLLBACK: Statement = { name: 'cc_rollback', text: 'rollback' }

/** $1: ids. */
export const FIND: Statement = {
  name: 'cc_find',
  text: `select ${COLUMNS} from sessions where id = any($1::text[])`,
}

/** $1: numbers of locks. */
export const LOCK: Statement = {
  name: 'cc_lock',
  text: 'select n from locks where n = any($1::int[]) order by n for update',
}

/** $1: ids; $2, $3: apps and subs, whose live sessions come along. */
export const FIND_FOR_UPDATE: Statement = {
  name: 'cc_find_for_update',
  text: `select ${COLUMNS} from sessions where id in (
      select id from sessions where id = any($1::text[])
      union
      select s.id from unnest($2::text[], $3::text[]) as u(app, sub), sessions s
      where s.sub = u.sub and s.app is not distinct from u.app and s.reason is null)
    order by id for update`,
}

const ARRAYS = `$1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[],
  $8::text[], $9::boolean[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::boolean[],
  $15::boolean[], $16::bigint[], $17::text[], $18::bigint[], $19::text[], $20::bigint[], $21::bigint[]`
const NAMES = `v(id, number, version_before, secret_hash, data, claims, app, sub, permanent, created_at,
  last_seen_at, idle_timeout_ms, lifetime_ms, own_idle_timeout, own_lifetime, version, device, sweep_at,
  reason, ended_at, keep_ended_ms)`

/** What was written and what was told of it, see `readWritten`. */
const RETURN_WRITTEN = `select id, null::bigint from written union all select null, at from told`

// Another process may have written since. Numbers are never given twice, and a version has one content: only a
// live row goes on to another.
// control: row-as-read
const IS_AS_READ = 's.number = v.number and s.version = v.version_before'
// An end leaves the version as it was.
// control: ended-row-stays
const IS_LIVE = 's.reason is null'

/**
 * $1 to $21: rows, see `columnsOf`; $22 to $26: their events, see `eventColumnsOf`. A row that is not any
 * more as it was read is left alone, and nothing is told of it. Returns a `WrittenRow` for each of the others.
 */
export const UPDATE: Statement = {
  name: 'cc_update',
  text: `with written as (
    update sessions s set data = v.data, claims = v.claims, sub = v.sub, permanent = v.permanent,
      last_seen_at = greatest(s.last_seen_at, v.last_seen_at), idle_timeout_ms = v.idle_timeout_ms,
      lifetime_ms = v.lifetime_ms, own_idle_timeout = v.own_idle_timeout, own_lifetime = v.own_lifetime,
      version = v.version, device = v.device, sweep_at = v.sweep_at, reason = v.reason, ended_at = v.ended_at,
      keep_ended_ms = v.keep_ended_ms
    from unnest(${ARRAYS}) as ${NAMES}
    where s.id = v.id and ${IS_AS_READ} and ${IS_LIVE}
    returning s.id),
    told as (${tellGiven(22)})
    ${RETURN_WRITTEN}`,
}

/**
 * As `UPDATE`, for what most writes change. $1: ids, $2: numbers, $3: versions before, $4: data, $5: moments of
 * activity, $6: versions.
 */
export const UPDATE_DATA: Statement = {
  name: 'cc_update_data',
  text: `update sessions s set data = v.data, last_seen_at = greatest(s.last_seen_at, v.last_seen_at),
      version = v.version
    from unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[])
      as v(id, number, version_before, data, last_seen_at, version)
    where s.id = v.id and ${IS_AS_READ} and ${IS_LIVE}
    returning s.id`,
}

// control: insert-over-the-forgotten
const IS_FORGOTTEN = `s.reason is not null and s.ended_at
      + case when $22::bigint is null then null else coalesce(s.keep_ended_ms, $22::bigint) end
      <= excluded.created_at`

/**
 * $1 to $21: rows; $22: how long an end is remembered, null for operators: for good; $23 to $27: events. A
 * row of this id stays unless its session has ended and is forgotten; one whose end was not told yet stays,
 * too. Returns a `WrittenRow` for each of those that were inserted.
 */
export const INSERT: Statement = {
  name: 'cc_insert',
  text: `with written as (
    insert into sessions as s (id, number, secret_hash, data, claims, app, sub, permanent, created_at,
      last_seen_at, idle_timeout_ms, lifetime_ms, own_idle_timeout, own_lifetime, version, device, sweep_at,
      reason, ended_at, keep_ended_ms)
    select v.id, case v.number when 0 then nextval('session_numbers') else v.number end, v.secret_hash,
      v.data, v.claims, v.app, v.sub, v.permanent, v.created_at, v.last_seen_at, v.idle_timeout_ms,
      v.lifetime_ms, v.own_idle_timeout, v.own_lifetime, v.version, v.device, v.sweep_at, v.reason, v.ended_at,
      v.keep_ended_ms
    from unnest(${ARRAYS}) as ${NAMES}
    on conflict (id) do update set number = excluded.number, secret_hash = excluded.secret_hash,
      data = excluded.data, claims = excluded.claims, app = excluded.app, sub = excluded.sub,
      permanent = excluded.permanent, created_at = excluded.created_at,
      last_seen_at = excluded.last_seen_at, idle_timeout_ms = excluded.idle_timeout_ms,
      lifetime_ms = excluded.lifetime_ms, own_idle_timeout = excluded.own_idle_timeout,
      own_lifetime = excluded.own_lifetime, version = excluded.version, device = excluded.device,
      sweep_at = excluded.sweep_at, reason = excluded.reason, ended_at = excluded.ended_at,
      keep_ended_ms = excluded.keep_ended_ms
    where ${IS_FORGOTTEN}
    returning id),
    told as (${tellGiven(23)})
    ${RETURN_WRITTEN}`,
}

/** $1: ids, sorted; $2: moments. Activity of what has ended comes too late. */
export const TOUCH: Statement = {
  name: 'cc_touch',
  text: `update sessions s set last_seen_at = v.seen_at
    from unnest($1::text[], $2::bigint[]) as v(id, seen_at)
    where s.id = v.id and s.reason is null and s.last_seen_at < v.seen_at`,
}

/** As `isReservedId` of `session/reserved-id.ts`. */
export const NOT_RESERVED = "not (id like 'dashboard-%' and strpos(id, '~') = 0)"

/**
 * $1: ids, $2: now. From here on nothing revives them: no activity, no write that is still on its way.
 * Returns when what was told of them happened.
 */
export const SEAL: Statement = {
  name: 'cc_seal',
  text: `with ended as (
    update sessions s set reason = ${ageReason('s')}, ended_at = ${expiresAt('s')}
    where id = any($1::text[]) and reason is null and ${expiresAt('s')} <= $2::bigint
    returning id, ended_at as at, sub, reason)
    ${tellEnds(NOT_RESERVED)}`,
}

/**
 * $1: ids, $2: the reason, $3: now, $4: the moment by which a session may be taken for live. Returns a
 * `WrittenRow` for each session that has ended.
 */
export const END_SOME: Statement = {
  name: 'cc_end_some',
  text: `with found as (
      select id, sub from sessions s
      where id = any($1::text[]) and reason is null and ${expiresAt('s')} > $4::bigint
      order by id for update),
    ended as (
      update sessions s set reason = $2::text, ended_at = $3::bigint, sweep_at = null, sub = null, data = '',
        claims = '', device = null
      from found where s.id = found.id
      returning s.id, s.ended_at as at, found.sub, s.reason),
    told as (${tellEnds(NOT_RESERVED)})
    select id, null::bigint from ended union all select null, at from told`,
}

/** Whose sessions: $1 is an app or null, $2 a sub or null, where the statement has them. */
export type Whose = 'all' | 'ofApp' | 'ofSub' | 'ofSubInApp'

const WHOSE: Readonly<Record<Whose, string>> = {
  all: `$1::text is null and $2::text is null and sweep_at is not null and ${NOT_RESERVED}`,
  ofApp: 'app = $1::text and $2::text is null and sweep_at is not null',
  ofSub: `$1::text is null and sub = $2::text and ${NOT_RESERVED}`,
  ofSubInApp: 'app = $1::text and sub = $2::text',
}

/** $3: an id that stays, or null, $4: now, $5: how many at most. */
export const LIVE_IDS = byWhose('cc_live_ids', WHOSE, (whose) => {
  return `select id from sessions s where ${whose} and reason is null and id is distinct from $3::text
    and ${expiresAt('s')} > $4::bigint limit $5::bigint`
})

/**
 * In the order of their numbers, after $3. Each is a way through one index, and says no `app = $1`: by its
 * averages the database would take the index of all numbers, and look through all rows for a small app's.
 */
const IN_ORDER: Readonly<Record<Whose, string>> = {
  all: `${WHOSE.all} and number > $3::bigint order by number`,
  ofApp: `$2::text is null and sweep_at is not null and (app, number) > ($1::text, $3::bigint)
    and app <= $1::text order by app, number`,
  ofSub: `$1::text is null and (sub, -number) < ($2::text, -$3::bigint) and sub >= $2::text and ${NOT_RESERVED}
    order by sub desc, -number desc`,
  ofSubInApp: `${inApp('sessions')} and (sub, -number) < ($2::text, -$3::bigint) and sub >= $2::text
    order by app desc, sub desc, -number desc`,
}

/** $3: the number to go on after, $4: how many at most. */
export const LIST = byWhose('cc_list', IN_ORDER, (inOrder) => {
  return `select ${COLUMNS} from sessions where ${inOrder} limit $4::bigint`
})

/** $3, $4: as `LIST`, $5: now. Returns how many of these are live, how many there are, and the last number; null after the end. */
export const COUNT = byWhose('cc_count', IN_ORDER, (inOrder) => {
  return `select count(*) filter (where reason is null and ${expiresAt('s')} > $5::bigint), count(*), max(number)
    from (select * from sessions where ${inOrder} limit $4::bigint) s`
})

/** About how many rows there were when the database last looked; -1 where it never has. */
export const ESTIMATE: Statement = {
  name: 'cc_estimate',
  text: `select reltuples::bigint from pg_class where oid = 'sessions'::regclass`,
}

/**
 * $1: the id to go on after, $2: how many rows at most, $3: an app or null, $4: now. Those of these rows whose
 * sessions are over, and the last id of all of them; null after the end.
 */
export const ENDS: Statement = {
  name: 'cc_ends',
  text: `with piece as (select * from sessions where id > $1::text order by id limit $2::bigint)
    select (select max(id) from piece), ${COLUMNS} from (select 1) as one left join piece s
      on (s.reason is not null or ${expiresAt('s')} <= $4::bigint)
        and ($3::text is null or s.app = $3::text) and ${NOT_RESERVED}`,
}

// The end of a session that was sealed has been told.
// control: sealed-ends-told
const UNSEALED = 'sealed is null'

/**
 * $1: now, $2: how many at most. Ends what is past its time and puts off what is not, one piece. Returns
 * `SweptRow`s.
 */
export const SWEEP: Statement = {
  name: 'cc_sweep',
  text: `with due as (
      select id, sub, reason from sessions where sweep_at <= $1::bigint order by sweep_at limit $2::bigint
      for update skip locked),
    swept as (
      update sessions s set
        sweep_at = case when ${isOver('s')} then null else ${expiresAt('s')} end,
        ended_at = case when s.reason is not null then s.ended_at when ${isOver('s')} then ${expiresAt('s')} end,
        reason = case when s.reason is not null then s.reason when ${isOver('s')} then ${ageReason('s')} end,
        sub = case when ${isOver('s')} then null else s.sub end,
        data = case when ${isOver('s')} then '' else s.data end,
        claims = case when ${isOver('s')} then '' else s.claims end,
        device = case when ${isOver('s')} then null else s.device end
      from due where s.id = due.id
      returning s.id, s.reason, s.ended_at as at, due.sub, due.reason as sealed),
    ended as (select * from swept where reason is not null and ${UNSEALED}),
    told as (${tellEnds(NOT_RESERVED)})
    select id, reason, null::bigint from swept union all select null, null, at from told`,
}

/** A session that was looked at, with the reason where it ended; or when what was told happened. */
export type SweptRow =
  [id: string, reason: EndReason | null, at: null] | [id: null, reason: null, at: number]

/** $1: ends up to this moment are forgotten, $2: how many at most. */
export const FORGET: Statement = {
  name: 'cc_forget',
  text: `delete from sessions where id in (
    select id from sessions where sweep_at is null and keep_ended_ms is null and ended_at <= $1::bigint
    order by ended_at limit $2::bigint for update skip locked)`,
}

/** $1: now, $2: how many at most: those whose sessions said for how long. */
export const FORGET_OWN: Statement = {
  name: 'cc_forget_own',
  text: `delete from sessions where id in (
    select id from sessions where sweep_at is null and keep_ended_ms is not null
      and ended_at + keep_ended_ms <= $1::bigint
    order by ended_at + keep_ended_ms limit $2::bigint for update skip locked)`,
}

/** $1: who, $2: when. */
export const BEAT: Statement = {
  name: 'cc_beat',
  text: 'insert into beats values ($1, $2::bigint) on conflict (who) do update set at = excluded.at',
}

export const CLOCK: Statement = {
  name: 'cc_clock',
  text: 'select (extract(epoch from clock_timestamp()) * 1000)::bigint',
}

function byWhose(
  name: string,
  rows: Readonly<Record<Whose, string>>,
  text: (rows: string) => string,
): Readonly<Record<Whose, Statement>> {
  const make = (whose: Whose): Statement => ({ name: `${name}_${whose}`, text: text(rows[whose]) })
  return {
    all: make('all'),
    ofApp: make('ofApp'),
    ofSub: make('ofSub'),
    ofSubInApp: make('ofSubInApp'),
  }
}

/** `app = $1`, and yet the order of apps counts as one that an index must give: see `IN_ORDER`. */
export function inApp(s: string): string {
  return `${s}.app = any(array[$1::text])`
}

/** As `expiresAt` of `session/session.ts`. */
export function expiresAt(s: string): string {
  return `least(${s}.last_seen_at + ${s}.idle_timeout_ms, ${s}.created_at + ${s}.lifetime_ms)`
}

/** As `expireSession` of `session/session.ts`. */
function ageReason(s: string): string {
  return `case when ${s}.created_at + ${s}.lifetime_ms <= ${s}.last_seen_at + ${s}.idle_timeout_ms
    then 'lifetime' else 'idle_timeout' end`
}

function isOver(s: string): string {
  return `(${s}.reason is not null or ${expiresAt(s)} <= $1::bigint)`
}
