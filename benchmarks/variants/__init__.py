"""The ways to load the same files that are compared, each with what it promises."""
