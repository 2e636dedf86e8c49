"""Loads of a million rows: the files, the ways to load them (`benchmarks/variants/`) in turn, and tables of results."""
