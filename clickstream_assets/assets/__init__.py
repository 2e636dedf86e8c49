"""The Dagster assets, one module each: event_files, events, summaries, report."""
