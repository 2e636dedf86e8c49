"""Intake: files that were found and inspected are registered, in chunks with sequence numbers.

`intake` is the way in and runs in a thread of the driver.
"""
