-- Dagster's own tables, in its database: what it does at this moment.

-- name: dagster_state.switched_off
-- Sensors and schedules that someone switched off; those that were never touched are as the code says.
SELECT lower(instigator_type), instigator_body::json #>> '{origin,job_name}' AS name
  FROM instigators
 WHERE status = 'STOPPED'
 ORDER BY 1, 2;

-- name: dagster_state.failing
-- Sensors that are on and whose last tick failed, with its error.
SELECT state.instigator_body::json #>> '{origin,job_name}' AS name, tick.tick_body::json #>> '{error,message}' AS error
  FROM instigators AS state
 CROSS JOIN LATERAL (SELECT status, tick_body
                       FROM job_ticks
                      WHERE job_ticks.selector_id = state.selector_id
                      ORDER BY timestamp DESC
                      LIMIT 1) AS tick
 WHERE state.instigator_type = 'SENSOR' AND state.status <> 'STOPPED' AND tick.status = 'FAILURE'
 ORDER BY 1;

-- name: dagster_state.late
-- Sensors that are on and do not tick though others do, each with its last tick: after three times its interval, and
-- %(late_seconds)s at least, another one has ticked, %(settled_seconds)s ago. After a standstill of all of them none is;
-- one that was switched on has its time from then.
WITH ticks AS (
    SELECT state.instigator_body::json #>> '{origin,job_name}' AS name,
           (state.instigator_body::json #>> '{job_specific_data,min_interval}')::double precision AS min_interval,
           (state.instigator_body::json #>> '{job_specific_data,last_sensor_start_timestamp}')::double precision AS on_at,
           (SELECT max((tick_body::json ->> 'timestamp')::double precision)
              FROM (SELECT tick_body FROM job_ticks WHERE job_ticks.selector_id = state.selector_id
                     ORDER BY timestamp DESC LIMIT 1) AS newest) AS last_tick,
           (SELECT max((tick_body::json ->> 'timestamp')::double precision)
              FROM (SELECT tick_body FROM job_ticks WHERE job_ticks.selector_id = state.selector_id
                     ORDER BY timestamp DESC LIMIT 100) AS newest
             WHERE (tick_body::json ->> 'timestamp')::double precision
                   < extract(epoch FROM clock_timestamp()) - %(settled_seconds)s) AS settled_tick
      FROM instigators AS state
     WHERE state.instigator_type = 'SENSOR' AND state.status <> 'STOPPED'
)
SELECT name, to_timestamp(last_tick)
  FROM ticks
 WHERE name = ANY (%(names)s)
   AND greatest(last_tick, on_at) + greatest(3 * coalesce(min_interval, 0), %(late_seconds)s)
       < (SELECT max(settled_tick) FROM ticks)
 ORDER BY 1;

-- name: dagster_state.daemon
-- When the daemon was last heard of: each of its threads says so twice a minute. Not the column `timestamp`, whose zone is
-- that of Dagster's session.
SELECT to_timestamp(max((body::json ->> 'timestamp')::double precision)), clock_timestamp()
  FROM daemon_heartbeats;
