"""Cleaning: from the texts of a record's fields to a typed event, or to a reject with its reason.

`clean.clean` is the way in. `rules` says what is rejected and why, `columns` what an event consists of,
`source_mapping` what a producer writes differently; the other modules each read one kind of value. Everything works
on whole Arrow columns, for every producer and both sinks.
"""
