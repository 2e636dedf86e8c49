-- Lines of files that are stored more than once, as events, as rejects or as both.
SELECT file_id, line_no, count(*) FILTER (WHERE NOT is_reject) AS events, count(*) FILTER (WHERE is_reject) AS rejects
  FROM (SELECT file_id, line_no, false AS is_reject
          FROM events
         WHERE file_id BETWEEN %(first_file_id)s AND %(last_file_id)s
        UNION ALL
        SELECT file_id, line_no, true
          FROM rejected_events
         WHERE file_id BETWEEN %(first_file_id)s AND %(last_file_id)s) AS lines
 GROUP BY file_id, line_no
HAVING count(*) > 1
 ORDER BY file_id, line_no
 LIMIT %(limit)s
