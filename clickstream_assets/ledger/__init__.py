"""The ledger, read: who streams, what is loaded, what waits; and its audit against the tables.

`reads` has the queries, `waiting_files` compares the disk with them, and `audit` is `clickstream verify`.
"""
