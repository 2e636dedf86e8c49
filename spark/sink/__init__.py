"""The sink: cleaned rows of a micro-batch become rows of `events` and `rejected_events`, in one transaction.

`micro_batch.MicroBatchWriter` is the way in. In the tasks, `part_writer` encodes rows as PostgreSQL's binary COPY and
hands them over, by a spool that driver and tasks share (`spool`) or, without one, by staging tables (`upload`); the
JDBC sink has Spark's own writer fill staging tables (`jdbc`). In the driver, `commit` stores the parts.
"""
