-- The lowest id after `after_id` of an event in a batch after `target`; null where there is none. (`batch_id + 0` keeps
-- the planner to the primary key, in whose order the first row found is the answer.)
SELECT min(id) FROM events WHERE id > %(after_id)s AND batch_id + 0 > %(target)s
