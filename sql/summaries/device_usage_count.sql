SELECT count(*) FROM device_usage
