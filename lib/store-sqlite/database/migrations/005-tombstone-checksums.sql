-- As of each session's row, so of each tombstone: see checksum.ts. Null only until the next statement
-- is through.
alter table tombstones add column checksum integer;

update tombstones set checksum = tombstone_checksum(id, secret_hash, reason, ended_at);
