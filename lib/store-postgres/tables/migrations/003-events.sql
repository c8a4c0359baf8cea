-- The life-cycle feed. A change writes its events here in its own transaction, and numbers are given later:
-- transactions commit in another order than they write, and a reader must not go past one that is open. Of
-- one session the order of seq is that of its changes, as each is written under the lock of the row.
create table if not exists event_outbox (
  seq    bigint generated always as identity primary key,
  at     bigint not null,
  -- created, renewed, assigned, ended.
  kind   text   not null,
  id     text collate "C" not null,
  sub    text collate "C",
  -- Of renewed the new id, of assigned the sub before, of ended the reason.
  detail text collate "C"
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- What has come to its place, by one transaction at a time: numbers go on by one, and none appears before
-- a lower one does.
create table if not exists events (
  number bigint not null primary key,
  at     bigint not null,
  kind   text   not null,
  id     text collate "C" not null,
  sub    text collate "C",
  detail text collate "C"
);

-- One row, which whoever gives places holds. Events below the oldest are forgotten, removed or not.
create table if not exists event_feed (
  n      integer not null primary key,
  oldest bigint  not null,
  newest bigint  not null
);
insert into event_feed values (1, 1, 0) on conflict do nothing;

-- The starts of database servers that events were given places on, the oldest first; a fail-over is one,
-- and so is a restored backup. A cursor names its run, so that one of events that were lost there is not
-- taken for one of others. No row: no events are kept.
create table if not exists event_runs (
  number bigint generated always as identity primary key,
  name   text   not null,
  after  bigint not null,
  server text   not null
);
