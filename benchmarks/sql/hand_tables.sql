-- What a person would write: an id and a unique event id, without partitions and provenance.
DROP TABLE IF EXISTS hand_events, hand_staging;
CREATE TABLE hand_events (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id    uuid NOT NULL UNIQUE,
    user_id     text,
    session_id  text,
    action_type text,
    product_id  text,
    event_time  timestamptz NOT NULL,
    price       numeric,
    user_agent  text
);
CREATE UNLOGGED TABLE hand_staging (
    event_id    uuid,
    user_id     text,
    session_id  text,
    action_type text,
    product_id  text,
    event_time  timestamptz,
    price       numeric,
    user_agent  text
)
