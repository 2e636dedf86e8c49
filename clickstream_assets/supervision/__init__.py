"""The stream, watched: its facts (`facts`, `look`), its state (`state`) and the decision (`decision`), in words of `model`.

The rest carries it out: Dagster's runs (`runs`), and the Spark program as a process (`program`, `run`).
"""
