"""Parts of texts: of a URL, of a list in one text. Each different text is looked at once."""

from __future__ import annotations

import re
from urllib.parse import unquote, unquote_plus

import pyarrow as pa

from spark.mapping.sources import Excerpt


def excerpts(texts: pa.StringArray, what: Excerpt) -> pa.StringArray:
    """The part of each text; null where it has none."""
    encoded = texts.dictionary_encode()
    found = [excerpt(text, what) for text in encoded.dictionary.to_pylist()]
    return pa.array(found, pa.string()).take(encoded.indices)


def excerpt(text: str, what: Excerpt) -> str | None:
    """The part of one text; None: it has none."""
    found: str | None = text
    if what.split is not None:
        found = _part(text.split(what.split), what.part)
    if found is not None and what.query is not None:
        found = _parameter(found, what.query)
    if found is not None and what.after is not None:
        _, is_there, behind = found.partition(what.after)
        found = behind if is_there else None
    if found is not None and what.before:
        found = re.split("|".join(map(re.escape, what.before)), found, maxsplit=1)[0]
    if found is not None and what.is_percent:
        found = unquote(found)
    return (
        None if found is None else found.replace("\0", "?")
    )  # as a NUL that JSON names: no text can have it


def _part(parts: list[str], number: int) -> str | None:
    at = number - 1 if number > 0 else len(parts) + number
    return parts[at] if 0 <= at < len(parts) else None


def _parameter(url: str, name: str) -> str | None:
    """The first parameter of this name. A text without a question mark is the parameters alone."""
    _, is_there, behind = url.partition("?")
    for pair in (behind if is_there else url).partition("#")[0].split("&"):
        key, _, value = pair.partition("=")
        if unquote_plus(key) == name:
            return unquote_plus(value)
    return None
