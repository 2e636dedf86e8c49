"""The source mapping: what another producer calls things, and how it writes them. No value is read here.

`source_mapping` is what a mapping says; `mapping_file` reads it from TOML, with the modules that are named after its
tables. `sources` are the ways in which a field gets its text; `file_plan` puts them on the columns of one file.
"""
