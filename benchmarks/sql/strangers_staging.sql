-- Times and prices are typed here already: COPY casts them for less than a later SELECT would.
DROP TABLE IF EXISTS strangers_staging;
CREATE UNLOGGED TABLE strangers_staging (
    event_time    timestamptz,
    event_type    text,
    product_id    text,
    category_id   text,
    category_code text,
    brand         text,
    price         numeric,
    user_id       text,
    user_session  text
)
