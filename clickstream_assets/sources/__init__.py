"""The sources: the directories that files come from, each with rules of its own. Both planes read them here.

`source` says what a source is, `sources_file` reads them from `sources.toml`, and `watched_file` tells when that has
changed.
"""
