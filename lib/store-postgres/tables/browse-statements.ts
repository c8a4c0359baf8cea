/**
 * Everything that is asked of the database by who looks around. A page begins at a place in one index and
 * reads on from there. Nothing says `sub = …` or `app = …`: so no other index gives the order, whatever the
 * database believes of its tables. It knows averages, and would look for those of a small app among all
 * that there are.
 */
import { COUNTED_SESSIONS } from '../../store/browse-store.ts'
import type { Statement } from '../connection/connection.ts'
import { expiresAt, inApp, NOT_RESERVED } from './statements.ts'

/** Long data is not read for its length. */
export const SUMMARY_COLUMNS = `number, id, sub, created_at, last_seen_at, idle_timeout_ms, lifetime_ms,
  permanent, octet_length(data) + octet_length(claims), device, reason`

/** `ofAll`: $1 is null. */
export type ByApp<T> = { readonly ofAll: T; readonly ofApp: T }

/** Before all sessions where the newest come first. */
export const BEFORE_NEWEST = Number.MAX_SAFE_INTEGER

/** The newest first. $1: the app, $2: the number that theirs are below, $3: how many at most. */
export const NEWEST: ByApp<Statement> = {
  ofAll: {
    name: 'cc_newest_of_all',
    text: `select ${SUMMARY_COLUMNS} from sessions
      where $1::text is null and sweep_at is not null and number < $2::bigint
      order by number desc limit $3::bigint`,
  },
  ofApp: {
    name: 'cc_newest_of_app',
    text: `select ${SUMMARY_COLUMNS} from sessions
      where sweep_at is not null and app >= $1::text and (app, number) < ($1::text, $2::bigint)
      order by app desc, number desc limit $3::bigint`,
  },
}

/** A place in the index of users, or in that of those of an app; `s` are the rows. */
type UserKey = {
  readonly columns: string
  upTo(sub: string): string
}

const OF_ALL: UserKey = {
  columns: 's.sub',
  upTo: (sub) => `s.sub <= ${sub} and s.sub is not null and $1::text is null`,
}
const OF_APP: UserKey = {
  columns: 's.app, s.sub',
  upTo: (sub) => `s.sub <= ${sub} and s.sub is not null and ${inApp('s')}`,
}

function behind(sub: string, number: string): string {
  return `(s.sub, -s.number) > (${sub}, -${number})`
}

/**
 * User by user, of each the newest first. $1: the app, $2 and $3: the user and the number that they come after, $4:
 * the last user, $5: how many at most.
 */
export const OF_USERS = byApp('cc_of_users', (key) => {
  return `select ${SUMMARY_COLUMNS} from sessions s
    where ${behind('$2::text', '$3::bigint')} and ${key.upTo('$4::text')}
    order by ${key.columns}, -s.number limit $5::bigint`
})

/** One row more than is looked at tells whether there are more. */
const LOOKED = `n <= ${COUNTED_SESSIONS}`
const LIVE = `reason is null and ${NOT_RESERVED} and ${expiresAt('s')} > $6::bigint`

/**
 * $1 to $4: as `OF_USERS`, $5: how many users at most, $6: now. Of each the `COUNTED_SESSIONS` newest rows
 * are looked at. Returns for each: the user, how many rows, whether there are more, the number of the last, how
 * many of them are live; when the oldest of those began, and when one was last used.
 */
export const COUNT_USERS = byApp('cc_count_users', (key) => {
  return `with recursive users(sub, after, place) as (
      (select s.sub, case when s.sub = $2::text then $3::bigint else ${BEFORE_NEWEST} end, 1 from sessions s
        where ${behind('$2::text', '$3::bigint')} and ${key.upTo('$4::text')}
        order by ${key.columns}, -s.number limit 1)
      union all
      select next.sub, ${BEFORE_NEWEST}::bigint, u.place + 1 from users u, lateral (
          select s.sub from sessions s where s.sub > u.sub and ${key.upTo('$4::text')}
          order by ${key.columns} limit 1) next
        where u.place < $5::bigint)
    select u.sub, counted.* from users u, lateral (
      select count(*) filter (where ${LOOKED}), count(*) > ${COUNTED_SESSIONS},
        min(number) filter (where ${LOOKED}), count(*) filter (where ${LOOKED} and ${LIVE}),
        min(created_at) filter (where ${LOOKED} and ${LIVE}),
        max(last_seen_at) filter (where ${LOOKED} and ${LIVE})
      from (select *, row_number() over (order by number desc) as n from (
        select number, id, reason, created_at, last_seen_at, idle_timeout_ms, lifetime_ms from sessions s
        where ${behind('u.sub', 'u.after')} and ${key.upTo('u.sub')}
        order by ${key.columns}, -s.number limit ${COUNTED_SESSIONS + 1}) s) s) counted
    order by u.place`
})

/**
 * By their ids. $1, $2: the first and the last id that may be, $3: among how many rows, $4: how many at most.
 * Live and ended ones are one table: of those that there are few of, some may be beyond.
 */
export const LIVE_FROM: Statement = {
  name: 'cc_live_from',
  text: `select ${SUMMARY_COLUMNS} from (${rowsFrom()}) s
    where reason is null and ${NOT_RESERVED} order by id limit $4::bigint`,
}
/** As `LIVE_FROM`. */
export const ENDED_FROM: Statement = {
  name: 'cc_ended_from',
  text: `select id, secret_hash, reason, ended_at, keep_ended_ms from (${rowsFrom()}) s
    where reason is not null and ${NOT_RESERVED} order by id limit $4::bigint`,
}

function rowsFrom(): string {
  return `select * from sessions where id >= $1::text and id <= $2::text order by id limit $3::bigint`
}

function byApp(name: string, text: (key: UserKey) => string): ByApp<Statement> {
  return {
    ofAll: { name: `${name}_of_all`, text: text(OF_ALL) },
    ofApp: { name: `${name}_of_app`, text: text(OF_APP) },
  }
}
