DELETE FROM conversion_funnel WHERE day >= %(start)s::date AND day < %(stop)s::date
