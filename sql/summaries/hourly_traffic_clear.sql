DELETE FROM hourly_traffic WHERE hour >= %(start)s::timestamptz AND hour < %(stop)s::timestamptz
