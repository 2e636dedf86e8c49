"""Inspection: what one file holds, and whether its source's rules let it in. Nothing is written.

`examination` is the way in for intake, `inspecting` for whoever has no rules.
"""
