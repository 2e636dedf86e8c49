SELECT %(start)s::timestamptz >= %(floor)s::timestamptz
