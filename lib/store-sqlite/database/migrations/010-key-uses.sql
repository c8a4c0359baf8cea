-- When the key was last shown; null for one that never was, or not since this column is there.
alter table api_keys add column last_used_at integer;
