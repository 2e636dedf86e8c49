"""The audit of values: event files are read again by code of its own, and compared with what is stored.

A second opinion: nothing here imports the stream (`spark/`), and no code for reading is shared with it. Only the
tables of names and words (`contract`) are the same. Slow and plain on purpose: one row at a time, in plain Python.
"""
