"""S3, and what speaks its language, by boto3. Credentials are what boto3 finds: environment, profile, role."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

import boto3
from botocore import exceptions as errors
from botocore.config import Config
from urllib3.exceptions import HTTPError

from clickstream_assets.object_stores.bucket import (
    BucketTrouble,
    ConnectionCut,
    ObjectGone,
    ObjectRefused,
    ObjectReplaced,
    Page,
    RangeRead,
    StoredObject,
)
from clickstream_assets.sources.object_store import ObjectStore

PAGE_KEYS = 1000  # S3 gives no more
BLOCK_BYTES = 128 * 1024  # what is lost with a connection
CONNECTIONS = 16
CONNECT_SECONDS, READ_SECONDS = 10, 30
MOST_TAGS = 10  # S3 takes no more

_SLOW = {
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "RequestLimitExceeded",
    "TooManyRequests",
    "503",
    "429",
}
_CREDENTIALS = {
    "InvalidAccessKeyId": "its access key is not known",
    "SignatureDoesNotMatch": "its secret key does not belong to its access key",
    "ExpiredToken": "its token has expired",
    "InvalidToken": "its token is not valid",
    "TokenRefreshRequired": "its token has expired",
    "RequestTimeTooSkewed": "the clock of this machine is wrong",
}


class S3Bucket:
    """The part of a bucket that is a source."""

    def __init__(self, store: ObjectStore) -> None:
        """
        Raises:
            BucketTrouble: the library has no such profile, or cannot be set up.
        """
        self._store = store
        custom = store.endpoint or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            max_pool_connections=CONNECTIONS,
            # Whoever asks pauses, too, and says why.
            retries={"mode": "standard", "max_attempts": 2},
            # Servers of others know neither new checksums nor buckets as names of hosts.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"addressing_style": "path"} if custom else {},
        )
        with self._told():
            session = boto3.Session(profile_name=store.profile)
            # A region is part of the signature; servers of others want none.
            region = session.region_name or ("us-east-1" if custom else None)
            self._client: Any = session.client(
                "s3", endpoint_url=store.endpoint, region_name=region, config=config
            )

    def page(self, after: str | None) -> Page:
        with self._told():
            found = self._client.list_objects_v2(
                Bucket=self._store.bucket,
                Prefix=self._store.prefix,
                MaxKeys=PAGE_KEYS,
                **({} if after is None else {"StartAfter": after}),
            )
        objects = tuple(_stored(entry["Key"], entry, entry["Size"]) for entry in found.get("Contents", []))
        return Page(objects, objects[-1].key if found.get("IsTruncated") and objects else None)

    @contextmanager
    def read(
        self, found: StoredObject, start: int, end: int, version_id: str | None = None
    ) -> Iterator[RangeRead]:
        with self._told(found.key):
            answer = self._client.get_object(
                Bucket=self._store.bucket,
                Key=found.key,
                IfMatch=f'"{found.etag}"',
                **({"Range": f"bytes={start}-{end - 1}"} if end > start else {}),
                **({} if version_id is None else {"VersionId": version_id}),
            )
        body = answer["Body"]
        try:
            yield RangeRead(_blocks(body), _version(answer))
        finally:
            body.close()

    def now(self, key: str) -> StoredObject | None:
        try:
            with self._told(key):
                found = self._client.head_object(Bucket=self._store.bucket, Key=key)
        except ObjectGone:
            return None
        return _stored(key, found, found["ContentLength"])

    def tag(self, found: StoredObject, version_id: str | None, name: str, value: str) -> None:
        of = {"Bucket": self._store.bucket, "Key": found.key}
        if version_id is not None:
            of["VersionId"] = version_id
        elif self.now(found.key) != found:
            raise ObjectReplaced
        with self._told(found.key):
            tags = {
                tag["Key"]: tag["Value"] for tag in self._client.get_object_tagging(**of).get("TagSet", [])
            }
            if name not in tags and len(tags) >= MOST_TAGS:
                raise ObjectRefused(f"it has {len(tags)} tags already, and can have no more")
            tags[name] = value
            pairs = [{"Key": key, "Value": text} for key, text in tags.items()]
            self._client.put_object_tagging(**of, Tagging={"TagSet": pairs})

    def move(self, found: StoredObject, key: str) -> None:
        bucket = self._store.bucket
        now = self.now(found.key)
        if now is None:
            if self.now(key) is not None:
                return
            raise ObjectGone
        if now != found:
            raise ObjectReplaced
        with self._told(found.key):
            self._client.copy(
                {"Bucket": bucket, "Key": found.key},
                bucket,
                key,
                ExtraArgs={"CopySourceIfMatch": f'"{found.etag}"'},
            )
        if self.now(found.key) != found:  # replaced while it was copied: the new one stays
            raise ObjectReplaced
        with self._told(found.key):
            self._client.delete_object(Bucket=bucket, Key=found.key)

    def close(self) -> None:
        with suppress(Exception):
            self._client.close()

    @contextmanager
    def _told(self, key: str | None = None) -> Iterator[None]:
        """The library's errors leave as those of `bucket`. `key`: of the object that was asked for."""
        try:
            yield
        except errors.ClientError as error:
            self._refused(error, key)
        except (
            errors.NoCredentialsError,
            errors.PartialCredentialsError,
            errors.CredentialRetrievalError,
            errors.TokenRetrievalError,
            errors.SSOError,
            errors.ProfileNotFound,
            errors.NoRegionError,
        ) as error:
            raise BucketTrouble(
                f"{self._store.url} cannot be read: boto3 finds no credentials that are complete "
                f"({type(error).__name__}); give them by the environment, a profile or a role"
            ) from None
        except (errors.BotoCoreError, HTTPError, OSError) as error:
            raise BucketTrouble(f"{self._store.url} does not answer ({type(error).__name__})") from None

    def _refused(self, error: errors.ClientError, key: str | None) -> NoReturn:
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        url = self._store.url
        if code == "NoSuchBucket":
            text = f"{url} cannot be read: there is no such bucket; create it, or name the right one"
        elif code in _CREDENTIALS:
            text = f"{url} cannot be read: the server does not take the credentials, {_CREDENTIALS[code]}"
        elif code in _SLOW or status in (429, 503):
            text = f"{url} wants to be asked less often ({code or status})"
        elif key is not None and (code in ("PreconditionFailed", "412") or status == 412):
            raise ObjectReplaced from None
        elif key is not None and status == 404:
            raise ObjectGone from None
        elif key is not None and status < 500 and status != 401:
            raise ObjectRefused(f"the server refuses it ({code or status})") from None
        elif status in (401, 403):
            text = f"{url} cannot be read: these credentials may not list it ({code or status})"
        else:
            text = f"{url} cannot be read ({code or status})"
        raise BucketTrouble(text) from None


def _stored(key: str, answer: dict[str, Any], size_bytes: int) -> StoredObject:
    """Some servers give fractions of a second in one answer and none in another."""
    modified_at = answer["LastModified"].replace(microsecond=0)
    return StoredObject(key, answer["ETag"].strip('"'), modified_at, size_bytes)


def _version(answer: dict[str, Any]) -> str | None:
    version = answer.get("VersionId")
    return None if version in (None, "null") else str(version)


def _blocks(body: Any) -> Iterator[bytes]:
    try:
        while block := body.read(BLOCK_BYTES):
            yield block
    except (errors.BotoCoreError, HTTPError, OSError) as error:
        raise ConnectionCut(type(error).__name__) from None
