-- The last moment that the report is about, which is the end of the newest hour with events: a history that was loaded
-- later is reported too. Null before the first event.
SELECT max(hour) + interval '1 hour' AS until FROM hourly_traffic
