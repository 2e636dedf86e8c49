DELETE FROM device_usage WHERE day >= %(start)s::date AND day < %(stop)s::date
