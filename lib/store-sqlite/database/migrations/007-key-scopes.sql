-- What a key may be used for, and the application whose sessions alone it sees (null: those of all).
-- The keys that are there may do what every key could so far.
alter table api_keys add column scope text not null default 'all';
alter table api_keys add column app text;
