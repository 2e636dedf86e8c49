DELETE FROM product_performance WHERE day >= %(start)s::date AND day < %(stop)s::date
