"""The sink: parts of a micro-batch become rows of `events` and `rejected_events`, in one transaction.

`micro_batch.MicroBatchWriter` is the way in, and `commit` stores the parts. How they come from Spark's tasks is
`handovers`, and what happens in the tasks is `handover`; the JDBC sink has Spark's own writer fill staging tables
(`jdbc`).
"""
