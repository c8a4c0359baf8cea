-- For how long the end of a session is remembered, where that was given for the session itself; null: as
-- the setting says. Rows that are there stay as they are, and so do their checksums (checksum.ts).
alter table sessions add column keep_ended_ms integer;
alter table tombstones add column keep_ended_ms integer;

-- One index for each kind: among the ends that are kept for a time of their own, those that the setting
-- would have forgotten must not be passed over again by every sweep.
drop index tombstones_by_age;
create index tombstones_by_age on tombstones (ended_at) where keep_ended_ms is null;
create index tombstones_by_own_age on tombstones (ended_at + keep_ended_ms)
  where keep_ended_ms is not null;
