-- An id that no event gets: those that this session gives from here on are above it. (Not the sequence's last_value,
-- which is ahead of them by what the session has in store.)
SELECT nextval('events_id_seq')
