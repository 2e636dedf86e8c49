"""Discovery: which files are in a directory of events, and which of them are complete.

`discovery` is the way in. Of a file it reads the end, and nothing else.
"""
