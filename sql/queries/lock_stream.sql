-- For as long as this transaction. A view: a table would have to be vacuumed now and then. The mode needs the right to
-- UPDATE, which a reader has not, and leaves readers alone.
LOCK TABLE stream_lock IN EXCLUSIVE MODE NOWAIT
