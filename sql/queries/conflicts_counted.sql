-- Rows with the id and time of a stored event but other content, counted up to a limit.
SELECT count(*) AS rows FROM (SELECT FROM event_conflicts LIMIT %(limit)s) AS counted
