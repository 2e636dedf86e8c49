-- Sums over the days of the report.
SELECT traffic.events, traffic.purchases, traffic.revenue, funnel.sessions, funnel.purchased
  FROM (SELECT coalesce(sum(events), 0)::bigint AS events, coalesce(sum(purchases), 0)::bigint AS purchases,
               coalesce(sum(revenue), 0) AS revenue
          FROM hourly_traffic
         WHERE hour >= %(since)s AND hour < %(until)s) AS traffic,
       (SELECT coalesce(sum(sessions), 0)::bigint AS sessions, coalesce(sum(purchased), 0)::bigint AS purchased
          FROM conversion_funnel
         WHERE day >= (%(since)s AT TIME ZONE 'UTC')::date AND day < %(until)s AT TIME ZONE 'UTC') AS funnel
