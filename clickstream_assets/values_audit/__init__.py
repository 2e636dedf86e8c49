"""The audit of values: event files are read again, by `second_reader`, and compared with what is stored.

`audit` is the way in. `unseen` says in words what no audit looks at.
"""
