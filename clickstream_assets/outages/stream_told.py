"""What streams of a home tell in files, beside the ledger: what a living one waits for, and why the last one ended."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from clickstream_assets.outages.last_words import LastWords, read_last_words
from clickstream_assets.outages.stream_waits import StreamWaits, read_waits


@dataclass(frozen=True)
class StreamTold:
    """None: there is no such thing."""

    waits: StreamWaits | None = None
    last_words: LastWords | None = None


NOTHING = StreamTold()


def read_told(home: Path) -> StreamTold:
    return StreamTold(read_waits(home), read_last_words(home))
