-- The app of a session is what its id has before a ~, null for the app without a name (session-id.ts in
-- lib/session). Nothing is stored for it but the indexes, and only rows of named apps are in those: all
-- other rows stay as they are, and so do their checksums.
alter table sessions add column app text
  as (case when instr(id, '~') then substr(id, 1, instr(id, '~') - 1) end) virtual;

create index sessions_by_app on sessions (app) where app is not null;
create index sessions_by_app_sub on sessions (app, sub) where sub is not null and app is not null;
