/**
 * Everything that is asked of the database about events. It needs no function of PostgreSQL's own but
 * `pg_postmaster_start_time`, as one database server at a time takes writes. (In YugabyteDB each node has its
 * own, and sequences are handed to connections in blocks: there, runs and the order of one session's events
 * would need another source.)
 */
import type { Statement } from '../connection/connection.ts'

/** Where no events are kept, none are written: one look at a table that hardly ever changes. */
const ARE_KEPT = 'exists (select from event_runs)'

/**
 * For a `with`: writes those of the given events whose session `written` has; their order is kept. Five
 * arrays, see `eventColumnsOf`, from this parameter on. The set of ids is hashed, not joined.
 */
export function tellGiven(first: number): string {
  const types = ['text', 'bigint', 'text', 'text', 'text']
  const arrays = types.map((type, at) => `$${first + at}::${type}[]`).join(', ')
  return `insert into event_outbox (at, kind, id, sub, detail)
    select e.at, e.kind, e.id, e.sub, e.detail
    from unnest(${arrays}) with ordinality as e(id, at, kind, sub, detail, place)
    where (e.id in (select id from written)) is true and ${ARE_KEPT}
    order by e.place returning at`
}

/** For a `with`: writes an end for each row of `ended(id, at, sub, reason)`, where it is one to be told. */
export function tellEnds(isTold: string): string {
  return `insert into event_outbox (at, kind, id, sub, detail)
    select at, 'ended', id, sub, reason from ended where ${isTold} and ${ARE_KEPT} returning at`
}

/** One at a time gives places. Taken before anything else, so that two never wait for one another. */
export const HOLD_FEED: Statement = {
  name: 'cc_feed_hold',
  text: 'select n from event_feed where n = 1 for update',
}

/**
 * $1: a name, $2: whether events are to be kept that were not. A run begins where the last one was on
 * another start of the database server: what was written there last may be lost here.
 */
export const BEGIN_RUN: Statement = {
  name: 'cc_feed_run',
  text: `insert into event_runs (name, after, server)
    select $1::text, f.newest, s.server
    from event_feed f, (select extract(epoch from pg_postmaster_start_time())::text as server) s
    where f.n = 1 and ($2::boolean or ${ARE_KEPT}) and s.server is distinct from
      (select r.server from event_runs r order by r.number desc limit 1)`,
}

/** Before the first run: what is left in the tables is of a feed that was ended. */
export const CLEAR_FEED: Statement = {
  name: 'cc_feed_clear',
  text: `with strays as (delete from event_outbox where not ${ARE_KEPT})
    update event_feed set oldest = newest + 1 where n = 1 and not ${ARE_KEPT}`,
}

/** A cursor older than so many starts is forgotten. */
export const FORGET_RUNS: Statement = {
  name: 'cc_feed_forget_runs',
  text: 'delete from event_runs where number <= (select max(number) from event_runs) - 100',
}

/** From here on no events are kept; the sweep removes what is left. */
export const END_FEED: Statement = {
  name: 'cc_feed_end',
  text: `with runs as (delete from event_runs)
    update event_feed set oldest = newest + 1 where n = 1 and oldest <= newest`,
}

// By when they are seen committed, not by when they were written: who has read a place has read all before
// it. Of those that are seen together the order in which they were written, which is that of a session.
// control: placed-once-committed
const PLACE_OF_EVENT = 'f.newest + row_number() over (order by t.seq)'

/**
 * $1: how many at most. Gives the oldest of the committed events their places; the feed must be held.
 * Returns how many they were. What an open transaction has written gets its place when it is committed.
 */
export const PLACE: Statement = {
  name: 'cc_feed_place',
  text: `with taken as (
      delete from event_outbox where seq in (select seq from event_outbox order by seq limit $1::bigint)
      returning seq, at, kind, id, sub, detail),
    placed as (
      insert into events (number, at, kind, id, sub, detail)
      select ${PLACE_OF_EVENT}, t.at, t.kind, t.id, t.sub, t.detail
      from taken t, event_feed f where f.n = 1 and ${ARE_KEPT}
      returning number),
    counted as (
      update event_feed set newest = (select max(number) from placed)
      where n = 1 and exists (select from placed))
    select count(*) from taken`,
}

const RUNS = `(select string_agg(name || ' ' || after, ',' order by number) from event_runs)`
const IS_WAITING = 'exists (select from event_outbox)'

/**
 * How the feed stands: the runs, as `parseRuns` reads them, null where no events are kept; whether some
 * wait for their places; the numbers of the oldest, if there is one, and the newest; when the oldest
 * happened.
 */
export const FEED_STATE: Statement = {
  name: 'cc_feed_state',
  text: `select ${RUNS}, ${IS_WAITING}, f.oldest, f.newest,
      (select e.at from events e where e.number = f.oldest)
    from event_feed f where f.n = 1`,
}

/** $4: a kind, $5: a sub, $6: an id, $7: an app; null for no choice. */
const IS_SELECTED = `($4::text is null or e.kind = $4::text)
  and ($5::text is null or e.sub = $5::text or (e.kind = 'assigned' and e.detail = $5::text))
  and ($6::text is null or e.id = $6::text or (e.kind = 'renewed' and e.detail = $6::text))
  and ($7::text is null or left(e.id, length($7::text) + 1) = $7::text || '~')`

/**
 * $1: the number to go on after, null for before the oldest; $2: how many at most; $3: how many are
 * looked at. The feed and the page are of one moment. Returns one row at least: the first four of
 * `FEED_STATE`, and an event.
 */
export const FEED_PAGE: Statement = {
  name: 'cc_feed_page',
  text: `select ${RUNS}, ${IS_WAITING}, f.oldest, f.newest, e.*
    from (select *, coalesce($1::bigint, oldest - 1) as start from event_feed where n = 1) f
    left join lateral (
      select e.number, e.at, e.kind, e.id, e.sub, e.detail from events e
      where e.number >= f.oldest and e.number > f.start and e.number <= f.start + $3::bigint
        and ${IS_SELECTED}
      order by e.number limit $2::bigint) e on true
    order by e.number`,
}

/** As `FEED_PAGE`, backwards; $1: the number to go on before, $8: a reason. */
export const FEED_HISTORY: Statement = {
  name: 'cc_feed_history',
  text: `select ${RUNS}, ${IS_WAITING}, f.oldest, f.newest, e.*
    from (select *, coalesce($1::bigint, newest + 1) as start from event_feed where n = 1) f
    left join lateral (
      select e.number, e.at, e.kind, e.id, e.sub, e.detail from events e
      where e.number >= f.oldest and e.number < f.start and e.number >= f.start - $3::bigint
        and ${IS_SELECTED} and ($8::text is null or (e.kind = 'ended' and e.detail = $8::text))
      order by e.number desc limit $2::bigint) e on true
    order by e.number desc`,
}

/**
 * $1, $2: moments between which events are kept, $3: how many are kept, $4: how many are forgotten at
 * most. In the order of numbers, whatever the clock was; the newest stays.
 */
export const FORGET_EVENTS: Statement = {
  name: 'cc_feed_forget',
  text: `update event_feed f set oldest = least(p.past, p.oldest + $4::bigint, p.newest)
    from (
      select g.oldest, g.newest, greatest(g.newest - $3::bigint, coalesce((
          select max(e.number) from (
            select number, at from events where number >= g.oldest order by number limit $4::bigint) e
          where e.at not between $1::bigint and $2::bigint), 0)) + 1 as past
      from event_feed g where g.n = 1) p
    where f.n = 1 and ${ARE_KEPT} and f.oldest < least(p.past, p.oldest + $4::bigint, p.newest)`,
}

/** $1: how many at most. Nobody reads them any more. */
export const REMOVE_EVENTS: Statement = {
  name: 'cc_feed_remove',
  text: `delete from events where number in (
    select number from events where number < (select oldest from event_feed where n = 1)
    order by number limit $1::bigint for update skip locked)`,
}
