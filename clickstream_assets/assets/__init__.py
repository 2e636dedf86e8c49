"""The Dagster assets, one module each: event_files, events, summaries, report; and what they share: when they are
refreshed (`automation`), some rows of each (`previews`), what the catalogue says of them (`catalogue`).
"""
