"""The checks on `events`, one module each: `read` gets the facts, `judge` makes a judgement of them.

`checks.event_checks` lists them. `rates`, `headers` and `worst_files` are what some of them read.
"""
