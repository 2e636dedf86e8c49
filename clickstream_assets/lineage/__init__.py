"""What the tables hold and what they are made from, for data catalogues: Dagster's own, and others by OpenLineage.

Begin with `columns`. `tables` and `address` say what the tables are and where; `openlineage` makes events of
micro-batches and refreshes, `outbox` finds those that are not sent yet, `sending` sends them.
"""
