"""The source mapping: what another producer calls things, and how it writes them. No value is read here.

`source_mapping` is what a mapping says, and `tables` and `field_tables` read it from TOML. `sources` are the ways in
which a field gets its text; `file_plan` puts them on the columns of one file.
"""
