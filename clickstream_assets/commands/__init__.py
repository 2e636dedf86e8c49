"""The subcommands of `clickstream`: one module each, named after it, holding a click command `command`.

A module here reads its options, calls the part that does the work and prints. The work itself lives beside.
"""
