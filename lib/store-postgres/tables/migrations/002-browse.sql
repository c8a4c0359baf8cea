-- Whoever looks around reads user by user, in the order of UTF-8, and of each the newest first: in one
-- direction of one index. Those of an app have an index of their own: there may be ten of them beside a million.
drop index if exists sessions_by_sub;
create index if not exists sessions_by_sub on sessions (sub asc, (-number) asc) where sub is not null;
create index if not exists sessions_by_app_sub on sessions (app asc, sub asc, (-number) asc)
  where app is not null and sub is not null;
