"""Intake: files of the events directory are found, inspected and registered, in chunks with sequence numbers.

`intake` is the way in and runs in a thread of the driver.
"""
