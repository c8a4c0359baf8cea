-- Which limits were given for the session itself, and which are the settings': see session.ts. Of the
-- sessions that are there nobody knows: theirs count as given, or a holder could lengthen what a back
-- end has made short. Their rows stay as they are, and so do their checksums (checksum.ts).
alter table sessions add column own_idle_timeout integer not null default 1;
alter table sessions add column own_lifetime integer not null default 1;
