SELECT count(*) FROM hourly_traffic
