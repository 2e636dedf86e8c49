-- Events of producers that know other actions, and have no user, session or product for some rows. Partitions have the
-- constraints of their own, too: they were made LIKE their parent, and a constraint of the parent that is dropped stays
-- with them.
DO $$
DECLARE
    relation regclass;
BEGIN
    FOR relation IN SELECT 'events'::regclass
                     UNION ALL
                    SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'events'::regclass LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN user_id DROP NOT NULL, ALTER COLUMN session_id DROP NOT NULL, '
                       'ALTER COLUMN product_id DROP NOT NULL, DROP CONSTRAINT IF EXISTS events_action_type_check',
                       relation);
    END LOOP;
END
$$;

ALTER TABLE sessions ALTER COLUMN user_id DROP NOT NULL, ADD COLUMN others bigint NOT NULL DEFAULT 0,
    DROP CONSTRAINT sessions_check,
    ADD CONSTRAINT sessions_check CHECK (events = views + carts + removes + purchases + others);
ALTER TABLE hourly_traffic ADD COLUMN others bigint NOT NULL DEFAULT 0,
    DROP CONSTRAINT hourly_traffic_check,
    ADD CONSTRAINT hourly_traffic_check CHECK (events = views + carts + removes + purchases + others);
ALTER TABLE product_performance ADD COLUMN others bigint NOT NULL DEFAULT 0;
