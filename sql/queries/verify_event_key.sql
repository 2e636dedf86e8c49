-- Whether the unique key of events over exactly (event_id, event_time) is there and valid, on every partition.
SELECT EXISTS (
    SELECT FROM pg_index AS i
     WHERE i.indrelid = 'events'::regclass
       AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
       AND ARRAY(SELECT a.attname::text
                   FROM unnest(i.indkey::smallint[]) AS key (attnum)
                   JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = key.attnum
                  ORDER BY 1) = ARRAY['event_id', 'event_time']
) AS is_valid,
       now() AS taken_at
