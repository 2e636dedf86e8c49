"""The checks of assets: of the events and the stream (`events`), and of the summaries (`summaries`).

`judgements` and `stream_alive` say what is good enough, `thresholds` at the top has the limits, and
docs/checks.md says what to do.
"""
