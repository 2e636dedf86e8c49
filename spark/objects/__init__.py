"""Sources in object stores: a thread a source lists the bucket and fetches what is new to a directory of the home, from
where the intake takes it like any file.

Begin with `object_intake`. `listing` says what is new, `fetching` brings it here, `finishing` does what is to be done
once its rows are stored; `object_ledger` has the database, `landing` the disk. What an object store is, and how it
fails, is in `clickstream_assets.object_stores`.
"""
