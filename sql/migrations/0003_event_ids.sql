-- A session takes ids from the sequence many at a time: one by one they cost a tenth of a merge. A stream that ends
-- leaves a gap.
ALTER SEQUENCE events_id_seq CACHE 1000;
