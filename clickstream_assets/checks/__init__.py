"""The checks of assets: a measurement, and the `judgement` that it leads to.

`on_events` has one module per check on `events`, `event_checks` lists them and makes their buttons, `reporting` is how
a sensor reports them without a run. `matches_events` is the check on the summaries. The limits are in `thresholds` at
the top; docs/checks.md says what to do.
"""
