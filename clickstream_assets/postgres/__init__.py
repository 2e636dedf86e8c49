"""PostgreSQL: the embedded server, the roles with their passwords, and the schema.

`sharing.database_running` is the way in: it has a server running for as long as someone needs it.
"""
