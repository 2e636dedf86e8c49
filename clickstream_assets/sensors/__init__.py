"""The sensors: thin shells around decisions made elsewhere.

`sensors` has the stream's supervisor and the reports of progress and of checks, `alerts` and `first_look` one each.
"""
