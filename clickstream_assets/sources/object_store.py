"""An object store as a source: `directory = "s3://bucket/prefix"` and the keys of `sources.toml` that belong to it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args
from urllib.parse import urlsplit

from clickstream_assets.sources.section_values import SectionValues
from clickstream_assets.text import printable

AfterCommit = Literal["leave", "tag", "move"]

KEYS = ("after_commit", "move_to", "fetch_ahead_mb", "look_seconds", "endpoint", "profile", "local_dir")
# What says something about files that stay where they are, and nothing about objects.
KEYS_OF_DIRECTORIES = (
    "settle_seconds",
    "settle_unterminated_seconds",
    "follow_links",
    "finished_files",
    "finished_hours",
    "archive_dir",
)
_URL = re.compile(r"([a-z][a-z0-9+.-]*)://(.*)", re.DOTALL)
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,254}")
MB = 1_000_000


@dataclass(frozen=True)
class ObjectStore:
    """Where the objects are. `prefix` is empty or ends with a slash.

    `fetch_ahead_bytes`: at most so many are on the local disk and not stored yet, but for a single larger object.
    `look_seconds`: between looks at the bucket. `endpoint`: of a server that is not the provider's own. `profile`: of
    the library's own configuration, which has the credentials. `move_to`: a prefix in the same bucket.
    """

    scheme: str
    bucket: str
    prefix: str = ""
    after_commit: AfterCommit = "leave"
    move_to: str | None = None
    fetch_ahead_bytes: int = 512 * MB
    look_seconds: float = 5.0
    endpoint: str | None = None
    profile: str | None = None

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.bucket}/{self.prefix}"

    def overlaps(self, other: ObjectStore) -> bool:
        """Whether some object is in both."""
        same = (self.scheme, self.bucket, self.endpoint) == (other.scheme, other.bucket, other.endpoint)
        return same and (self.prefix.startswith(other.prefix) or other.prefix.startswith(self.prefix))


def is_url(directory: object) -> bool:
    """Whether a `directory` names an object store."""
    return isinstance(directory, str) and _URL.fullmatch(directory.strip()) is not None


def read_store(values: SectionValues) -> ObjectStore:
    """What a section of `sources.toml` says.

    Raises:
        SettingsError: it says something that means nothing.
    """
    table = values.table
    found = _URL.fullmatch(table["directory"].strip())
    assert found is not None  # noqa: S101 - the caller has asked `is_url`
    scheme, rest = found.groups()
    bucket, _, prefix = rest.partition("/")
    if "@" in bucket:
        values.refuse(
            "directory has a name or a password in it: credentials come from the environment or a profile"
        )
    if not _BUCKET.fullmatch(bucket) or "\0" in prefix:
        values.refuse(
            f'directory is {printable(repr(table["directory"]))}: write it like "s3://bucket/prefix/"'
        )
    if wrong := [key for key in KEYS_OF_DIRECTORIES if key in table]:
        values.refuse(f"{wrong[0]} is for directories: of objects, after_commit says what becomes of them")
    after = table.get("after_commit", "leave")
    if after not in get_args(AfterCommit):
        values.refuse(
            f"after_commit is {printable(repr(after))}: give one of {', '.join(get_args(AfterCommit))}"
        )
    store = ObjectStore(
        scheme,
        bucket,
        _folder(prefix),
        after,
        _move_to(values, after),
        int(values.positive("fetch_ahead_mb", 512.0) * MB),
        values.positive("look_seconds", 5.0),
        _endpoint(values),
        values.text("profile"),
    )
    if store.move_to is not None and store.move_to.startswith(store.prefix):
        values.refuse(
            f"move_to is {store.move_to}, which lies in the source: its objects would be read again"
        )
    return store


def _folder(prefix: str) -> str:
    prefix = prefix.lstrip("/")
    return prefix if not prefix or prefix.endswith("/") else f"{prefix}/"


def _move_to(values: SectionValues, after: str) -> str | None:
    text = values.text("move_to")
    if (after == "move") != (text is not None):
        values.refuse(
            'move_to and after_commit = "move" belong together: it is the prefix to move objects to'
        )
    if text is None:
        return None
    if is_url(text) or not (folder := _folder(text)):
        values.refuse(f'move_to is {printable(repr(text))}: give a prefix in the same bucket, like "loaded/"')
    return folder


def _endpoint(values: SectionValues) -> str | None:
    text = values.text("endpoint")
    if text is None:
        return None
    try:
        found = urlsplit(text)
        is_good = found.scheme in ("http", "https") and bool(found.hostname)
        has_secret = "@" in found.netloc
    except ValueError:
        is_good, has_secret = False, False
    if has_secret:
        values.refuse(
            "endpoint has a name or a password in it: credentials come from the environment or a profile"
        )
    if not is_good:
        values.refuse(f'endpoint is {printable(repr(text))}: give a URL like "https://storage.example.com"')
    return text
