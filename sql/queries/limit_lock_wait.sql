SELECT set_config('lock_timeout', %(limit)s, true)
