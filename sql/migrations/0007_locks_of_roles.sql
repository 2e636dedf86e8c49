-- Retention asks the summaries' records before it drops, and the locks of this schema need a privilege: functions,
-- views and grants, which postgres_setup.sql makes anew. No table changes.
SELECT;
