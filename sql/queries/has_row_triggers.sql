-- Whether somebody put a trigger on events that may keep rows from being stored.
SELECT EXISTS (
    SELECT FROM pg_trigger AS t
    WHERE NOT t.tgisinternal
      AND (t.tgrelid = 'events'::regclass
           OR t.tgrelid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'events'::regclass))
)
