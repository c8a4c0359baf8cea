-- The life-cycle feed: a row for each thing that has happened to a session, written in the transaction
-- of its change. Numbers go on by one without `autoincrement`, because the newest row is never removed.
create table events (
  number integer not null primary key,
  at     integer not null,
  -- 1 created, 2 renewed, 3 assigned, 4 ended.
  kind   integer not null,
  id     text    not null,
  sub    text,
  -- Of 2 the new id, of 3 the sub before, of 4 the reason.
  detail text
) strict;

-- The starts of servers that keep events, the oldest first: each has written the events after this
-- number, up to where the next one began. A cursor names its run, so that one from a file that was
-- replaced, or from events that a power cut has undone, is not taken for one of this file. No row: no
-- server keeps events here.
create table feed_runs (
  number integer not null primary key,
  name   text    not null,
  after  integer not null
) strict;
