-- For as long as this transaction. The mode needs the right to UPDATE, which a reader has not, and lets the steps write.
LOCK TABLE maintenance_state IN SHARE UPDATE EXCLUSIVE MODE
