"""The stream, watched: its facts (`facts`, `look`), its state (`state`), and what to do about it (`decision`).

`model` has the words for all of them. The rest carries it out: Dagster's runs (`runs`), and the Spark program as a
process (`program`, `run`).
"""
