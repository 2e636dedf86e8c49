UPDATE summary_state SET generation = generation + 1, rebuilt_at = clock_timestamp() WHERE summary = %(summary)s
