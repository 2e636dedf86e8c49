"""The filter of known keys, kept in the home between two streams.

It is a cache: where it is lost, or is another database's, rows of times that are stored already take the detour through
staging, and nothing else changes. It says up to which batch it knows everything; the times of later ones are unknown.
"""

from __future__ import annotations

import json
import logging
import zipfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from psycopg2.extensions import connection as Connection

from clickstream_assets.sql_files import statement
from spark.sink.books import microseconds
from spark.sink.known_keys import EVER_SINCE, KnownKeys, Layer

SAVED_EVERY = 5_000_000  # new keys

log = logging.getLogger("clickstream.sink")


@dataclass(frozen=True)
class Known:
    """What a file says: the keys, and the batch up to which they are all there."""

    keys: KnownKeys
    batch_id: int
    committed_at: datetime


class KnownKeysFile:
    """Reads and writes the filter of one database."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._saved_keys = 0

    def load(self, connection: Connection) -> KnownKeys:
        """The filter as it was saved, with what the ledger says was stored since then."""
        known = self._read()
        values = {
            "batch_id": known.batch_id if known else None,
            "committed_at": known.committed_at if known else None,
        }
        with connection, connection.cursor() as cursor:
            cursor.execute(statement("commit.known_since"), values)
            ((is_same, oldest, newest, newest_of_all),) = cursor.fetchall()
        if known is None or not is_same:
            if newest_of_all is None:
                return KnownKeys()
            return KnownKeys([(EVER_SINCE, microseconds(newest_of_all))])
        self._saved_keys = len(known.keys)
        if oldest is not None:
            known.keys.unknown.append((microseconds(oldest), microseconds(newest)))
        return known.keys

    def save(self, keys: KnownKeys, batch_id: int, committed_at: datetime, *, only_if_many: bool) -> None:
        """Write the filter, which knows all up to a batch; with `only_if_many` once in some million keys.

        A file that cannot be written costs speed, not data: it is said in the log.
        """
        if only_if_many and len(keys) - self._saved_keys < SAVED_EVERY:
            return
        head = {
            "batch_id": batch_id,
            "committed_at": committed_at.isoformat(),
            "unknown": keys.unknown,
            "newest": keys.newest,
            "keys": [layer.keys for layer in keys.layers],
        }
        unfinished = self._path.with_suffix(".part")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with unfinished.open("wb") as file:
                arrays = {f"layer{number}": layer.words for number, layer in enumerate(keys.layers)}
                np.savez(file, head=np.frombuffer(json.dumps(head).encode(), np.uint8), **arrays)  # type: ignore[arg-type]
            unfinished.rename(self._path)
        except OSError as error:
            log.warning("the known keys cannot be kept in %s: %s", self._path, error.strerror)
            return
        self._saved_keys = len(keys)

    def _read(self) -> Known | None:
        try:
            with self._path.open("rb") as file, np.load(file) as arrays:
                head = json.loads(arrays["head"].tobytes())
                layers = [Layer(arrays[f"layer{n}"], keys) for n, keys in enumerate(head["keys"])]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None
        unknown = [(start, end) for start, end in head["unknown"]]
        return Known(
            KnownKeys(unknown, layers, head["newest"]),
            head["batch_id"],
            datetime.fromisoformat(head["committed_at"]),
        )
