"""PostgreSQL: the embedded server, the roles with their passwords, and the schema.

`sharing.database_running` is the way in for a program: it has a server running for as long as someone needs it. Where
there is one, `connections.Connections` opens sessions. `dagster_storage` is for Dagster alone: how it keeps its own.
"""
