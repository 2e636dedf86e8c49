"""The stream, watched: its facts (`facts`, `look`) and the decision (`decision`).

The rest carries it out: Dagster's runs (`runs`), and the Spark program as a process (`program`, `run`).
"""
