-- One row: how often another program than the server has ended sessions in this file, and up to
-- which of these times a running server has taken note of it.
create table outside_changes (
  made integer not null,
  seen integer not null
) strict;

insert into outside_changes values (0, 0);
