-- Times are milliseconds since the Unix epoch.

create table sessions (
  id              text    not null primary key,
  secret_hash     text,
  data            text    not null,
  claims          text    not null,
  permanent       integer not null,
  created_at      integer not null,
  last_seen_at    integer not null,
  idle_timeout_ms integer not null,
  lifetime_ms     integer not null,
  -- min(last_seen_at + idle_timeout_ms, created_at + lifetime_ms), kept for the sweep's index.
  expires_at      integer not null,
  version         integer not null
) strict;

create index sessions_by_expiry on sessions (expires_at);

create table tombstones (
  id          text    not null primary key,
  secret_hash text,
  reason      text    not null,
  ended_at    integer not null
) strict, without rowid;

create index tombstones_by_age on tombstones (ended_at);
