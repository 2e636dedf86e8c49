"""Which library serves which URL. They are loaded when they are needed: they are extras, and heavy."""

from __future__ import annotations

from clickstream_assets.object_stores.bucket import Bucket, BucketTrouble
from clickstream_assets.sources.object_store import ObjectStore


def open_bucket(store: ObjectStore) -> Bucket:
    """
    Raises:
        BucketTrouble: the library is missing, or says that it cannot work so.
    """
    if store.scheme != "s3":
        raise BucketTrouble(f"{store.url} cannot be read: of object stores, s3:// alone is")
    try:
        from clickstream_assets.object_stores.s3 import S3Bucket
    except ImportError:
        raise BucketTrouble(
            f"{store.url} cannot be read without boto3: install it with pip install 'clickstream-assets[s3]'"
        ) from None
    return S3Bucket(store)
