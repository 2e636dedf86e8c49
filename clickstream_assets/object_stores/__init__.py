"""Object stores: listing a bucket, reading objects by ranges, and what is done to them afterwards.

Begin with `bucket`, which says what a bucket can do and how it fails; `s3` does it with boto3, and `opening` chooses.
`fetching` brings one object to the local disk. Both planes use it: the stream, and the audit of values, which fetches
an object again.
"""
