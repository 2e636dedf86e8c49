-- A point of a transaction to go back to. Where they nest, the newest is meant.

-- name: savepoint.set
SAVEPOINT before;

-- name: savepoint.release
RELEASE SAVEPOINT before;

-- name: savepoint.undo
-- And release it: each one that stays costs the transaction memory.
ROLLBACK TO SAVEPOINT before;
RELEASE SAVEPOINT before;
