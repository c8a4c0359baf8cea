/** What an inspection asks of the database: nothing is changed, and no row is locked. */
import type { Statement } from '../connection/connection.ts'
import { COLUMNS } from './rows.ts'
import { expiresAt, NOT_RESERVED } from './statements.ts'

export const COUNT_SESSIONS: Statement = {
  name: 'cc_inspect_count',
  text: 'select count(*) from sessions where sweep_at is not null',
}

/** $1: the number to go on after, $2: how many at most, $3: now. */
export const COUNTED: Statement = {
  name: 'cc_inspect_counted',
  text: `select number, id, reason is null and ${expiresAt('s')} > $3::bigint, permanent, created_at,
      octet_length(data) + octet_length(claims)
    from sessions s where sweep_at is not null and ${NOT_RESERVED} and number > $1::bigint
    order by number limit $2::bigint`,
}

export const ENDED: Statement = {
  name: 'cc_inspect_ended',
  text: `select reason, count(*) from sessions where sweep_at is null and reason is not null
    and ${NOT_RESERVED} group by reason order by reason`,
}

/** $1: how many at most. */
export const TOP_SUBS: Statement = {
  name: 'cc_inspect_subs',
  text: `select sub, count(*) as sessions from sessions where sub is not null
    group by sub order by sessions desc, sub limit $1::bigint`,
}

/** $1: how many at most. */
export const TOP_APPS: Statement = {
  name: 'cc_inspect_apps',
  text: `select app, count(*) as sessions from sessions where app is not null and sweep_at is not null
    group by app order by sessions desc, app limit $1::bigint`,
}

export const SIZES: Statement = {
  name: 'cc_inspect_sizes',
  text: `select pg_database_size(current_database()), pg_table_size('sessions'), pg_indexes_size('sessions')`,
}

/** $1: the id to go on after, $2: how many at most. */
export const ROWS: Statement = {
  name: 'cc_inspect_rows',
  text: `select app, ${COLUMNS} from sessions where id > $1::text order by id limit $2::bigint`,
}

export const INVALID_INDEXES: Statement = {
  name: 'cc_inspect_indexes',
  text: `select c.relname from pg_index i join pg_class c on c.oid = i.indexrelid
    where i.indrelid in ('sessions'::regclass, 'api_keys'::regclass) and not i.indisvalid`,
}

/** Null where the cluster keeps no checksums. */
export const CHECKSUM_FAILURES: Statement = {
  name: 'cc_inspect_checksums',
  text: `select checksum_failures from pg_stat_database
    where datname = current_database() and checksum_failures > 0`,
}
