SELECT count(*) FROM conversion_funnel
