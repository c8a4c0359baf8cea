-- `number` is the old rowid under a name: SQLite never changes it, nor gives it out twice, so a page
-- of a listing can begin after it, and what comes later is on a later page. Nobody could write claims
-- before, so no session has a `sub` yet.
--
-- `sweep_at` is what the sweep's index holds, in place of `expires_at`: a time up to which the session
-- surely lives. Activity only makes it live longer, so a write leaves the index alone, which at ten
-- million sessions halves what a write costs; the sweep looks when the time has come, and puts it off.
create table sessions_2 (
  number          integer not null primary key autoincrement,
  id              text    not null unique,
  secret_hash     text,
  data            text    not null,
  claims          text    not null,
  -- claims.sub, kept for its index.
  sub             text,
  permanent       integer not null,
  created_at      integer not null,
  last_seen_at    integer not null,
  idle_timeout_ms integer not null,
  lifetime_ms     integer not null,
  expires_at      integer not null
    as (min(last_seen_at + idle_timeout_ms, created_at + lifetime_ms)) virtual,
  sweep_at        integer not null,
  version         integer not null,
  device          text
) strict;

insert into sessions_2 (number, id, secret_hash, data, claims, permanent, created_at, last_seen_at,
    idle_timeout_ms, lifetime_ms, sweep_at, version)
  select rowid, id, secret_hash, data, claims, permanent, created_at, last_seen_at,
    idle_timeout_ms, lifetime_ms, expires_at, version from sessions;

drop table sessions;
alter table sessions_2 rename to sessions;

create index sessions_by_sweep on sessions (sweep_at);
create index sessions_by_sub on sessions (sub) where sub is not null;

create table api_keys (
  -- SHA-256 of the key in base64url.
  hash       text    not null primary key,
  name       text    not null,
  created_at integer not null,
  -- Kept, so that a revoked key stays refused wherever else it is still written.
  revoked_at integer
) strict, without rowid;

create unique index api_keys_by_name on api_keys (name) where revoked_at is null;
