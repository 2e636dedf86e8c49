-- Start of a session; null where this role may not see it.
SELECT backend_start FROM pg_stat_activity WHERE pid = %(pid)s
