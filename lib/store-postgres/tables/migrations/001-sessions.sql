-- Times are milliseconds since the Unix epoch. Live sessions and what is remembered of ended ones are one
-- table, so that one unique index guards both: an id that has ended cannot come to life beside its end.
-- A live session has no reason. One that has been found past its time is sealed with a reason and keeps
-- sweep_at until the sweep has taken its data.
create table if not exists sessions (
  id               text collate "C" not null primary key,
  number           bigint  not null,
  secret_hash      text,
  data             text    not null,
  claims           text    not null,
  app              text collate "C",
  sub              text collate "C",
  permanent        boolean not null,
  created_at       bigint  not null,
  last_seen_at     bigint  not null,
  idle_timeout_ms  bigint  not null,
  lifetime_ms      bigint  not null,
  own_idle_timeout boolean not null,
  own_lifetime     boolean not null,
  version          bigint  not null,
  device           text,
  sweep_at         bigint,
  reason           text,
  ended_at         bigint,
  keep_ended_ms    bigint
) with (fillfactor = 75);
create sequence if not exists session_numbers;
-- None has last_seen_at in it: activity must not touch an index.
create index if not exists sessions_by_sweep on sessions (sweep_at) where sweep_at is not null;
create index if not exists sessions_by_end on sessions (ended_at) where sweep_at is null and keep_ended_ms is null;
create index if not exists sessions_by_own_end on sessions ((ended_at + keep_ended_ms))
  where sweep_at is null and keep_ended_ms is not null;
create index if not exists sessions_by_number on sessions (number) where sweep_at is not null;
create index if not exists sessions_by_sub on sessions (sub, number) where sub is not null;
create index if not exists sessions_by_app on sessions (app, number) where app is not null and sweep_at is not null;

-- Whoever may give a user one more session holds the user's row: 256 are enough that few wait.
create table if not exists locks (n integer not null primary key);
insert into locks select n from generate_series(0, 255) as n on conflict do nothing;

-- A process that commits here once a second knows that its server still takes writes.
create table if not exists beats (who text not null primary key, at bigint not null);

create table if not exists api_keys (
  hash       text not null primary key,
  number     bigint generated always as identity,
  name       text collate "C" not null,
  scope      text not null,
  app        text collate "C",
  created_at bigint not null,
  revoked_at   bigint,
  last_used_at bigint
);
create unique index if not exists api_keys_by_name on api_keys (name) where revoked_at is null;
