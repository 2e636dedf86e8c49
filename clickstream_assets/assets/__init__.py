"""The Dagster assets, one module each: event_files, events, summaries, report; and what they share: when they are
refreshed (`automation`), some rows of each (`previews`), their columns (`table_schemas`).
"""
