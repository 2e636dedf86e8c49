-- The columns, the identity and the extra columns that the pipeline makes of these files. The identity is over the same
-- seven values, joined in the same way (these files have no user agent, the last of them), but by MD5: without
-- extensions PostgreSQL has no SHA-1, which a UUIDv5 is made by, and MD5 costs less.
INSERT INTO events (event_id, user_id, session_id, action_type, product_id, event_time, price, extra)
SELECT
    md5(
        convert_to(
            concat_ws(
                E'\x1f', user_id, session_id, action_type, product_id,
                (extract(epoch FROM event_time) * 1000000)::bigint
            ), 'UTF8'
        )
        || '\x1f'::bytea || coalesce(convert_to(price::numeric(38, 10)::text, 'UTF8'), '\x00'::bytea)
        || '\x1f00'::bytea
    )::uuid AS identity,
    user_id, session_id, action_type, product_id, event_time, price, extra
FROM (
    SELECT
        user_id, user_session AS session_id, product_id, event_time, price,
        CASE event_type
            WHEN 'view' THEN 'view'
            WHEN 'cart' THEN 'add_to_cart'
            WHEN 'remove_from_cart' THEN 'remove_from_cart'
            WHEN 'purchase' THEN 'purchase'
        END AS action_type,
        jsonb_strip_nulls(
            jsonb_build_object(
                'category_id', nullif(category_id, ''),
                'category_code', nullif(category_code, ''),
                'brand', nullif(brand, '')
            )
        ) AS extra
    FROM strangers_staging
) AS strangers
ORDER BY identity
ON CONFLICT DO NOTHING
