-- Of this transaction alone. READ COMMITTED, because a refresh must see what was committed while it waited for
-- the lock of its record. Days are UTC. A commit that a crash of the server loses takes its record with it and
-- is made again, so it need not wait for the disk. Statistics know nothing of the newest rows: without the ban
-- on sequential scans a refresh could read all history where an index leads to them. JIT would compile for
-- longer than most of these statements run.
SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
SET LOCAL timezone = 'UTC';
SET LOCAL synchronous_commit = off;
SET LOCAL enable_seqscan = %(sequential_scans)s;
SET LOCAL jit = off;
SET LOCAL work_mem = '64MB';
