"""The second reader: event files, read again by code of its own. `reader` is the way in.

Nothing here imports the stream (`spark/`), and no code for reading is shared with it. Only the tables of names and
words (`contract`) are the same. Slow and plain on purpose: one row at a time, in plain Python.
"""
