-- Of each session's row, see checksum.ts: what a disk has changed is not served. Null only until the
-- next statement is through.
alter table sessions add column checksum integer;

update sessions set checksum = session_checksum(id, secret_hash, data, claims, permanent, created_at,
  last_seen_at, idle_timeout_ms, lifetime_ms, version, device, number, null);
