-- What is really there: unlogged tables are empty after a crash of the server.
SELECT (SELECT count(*) FROM {events}), (SELECT count(*) FROM {rejects})
