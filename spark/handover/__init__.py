"""The handover: what a task does with its cleaned rows, so that the commit can store them.

`part_writer` encodes rows as PostgreSQL's binary COPY and hands them over, by a spool that driver and tasks share
(`spool`) or, without one, by staging tables (`upload`); `row_blocks` are the rows for Spark's own JDBC writer. What
was handed over is a part (`parts`). The driver's side is `sink`.
"""
