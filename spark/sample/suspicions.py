"""Values that are stored as they are written, and were perhaps not meant so."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from spark.reading.quotes import NO_QUOTES
from spark.sample.hints import GUIDE
from spark.sample.sampling import Looked

IDS = ("user_id", "session_id", "product_id")
ENOUGH = 0.95  # of the values

_WHOLE_FLOAT = re.compile(r"[0-9]+\.0")
_ESCAPE = re.compile(r"\\[\\tnrN]")


def suspicions(events: Sequence[Mapping[str, Any]], looked: Sequence[Looked]) -> Iterator[str]:
    """A sentence for each kind, with what a mapping could do about it."""
    for field in IDS:
        texts = [row[field] for row in events if row[field] is not None]
        floats = sum(_WHOLE_FLOAT.fullmatch(text) is not None for text in texts)
        if texts and floats >= ENOUGH * len(texts):
            yield (
                f"{field} ends in .0, as whole numbers do that became floats ({texts[0]}): where other files have them "
                f'without it, they are others. before = ".0" in [fields] leaves it away: {GUIDE}'
            )
    escaped = sum(map(_escaped_rows, looked))
    if escaped:
        yield (
            f"{escaped:,} rows have \\t, \\n, \\\\ or \\N in them: where a backslash escapes, as in texts of "
            f'databases, [format] escape = "backslash" beside quotes = "none" says so: {GUIDE}'
        )


def _escaped_rows(looked: Looked) -> int:
    if looked.layout.escape != NO_QUOTES:
        return 0
    rows = zip(*looked.texts.values(), strict=True)
    return sum(any(text is not None and _ESCAPE.search(text) for text in row) for row in rows)
