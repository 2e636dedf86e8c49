"""The ledger, read: who streams, what is loaded, what waits; and its audit against the tables.

`reads` has the queries, `waiting_files` is the way to the files that wait on disk, and `audit` is `clickstream verify`.
"""
