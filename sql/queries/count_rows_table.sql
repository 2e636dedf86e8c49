-- What Spark's JDBC writer put there, by file. A row without a line is a note that the file is not what intake saw.
SELECT file_id,
       count(*) FILTER (WHERE event_id IS NOT NULL),
       count(*) FILTER (WHERE event_id IS NULL AND line_no > 0),
       max(reason) FILTER (WHERE line_no = 0),
       min(event_time), max(event_time),
       array_agg(DISTINCT date_trunc('month', event_time AT TIME ZONE 'UTC')::date) FILTER (WHERE event_id IS NOT NULL)
FROM {rows}
GROUP BY file_id
