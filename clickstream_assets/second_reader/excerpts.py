"""A part of a text, as a mapping asks for it: by split and part, query, after, before and decode, in this order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

KEYS = ("split", "part", "query", "after", "before", "decode")


def excerpt(text: str, asks: Mapping[str, Any]) -> str | None:
    """The part; None where the text has it not."""
    if "split" in asks:
        parts = text.split(asks["split"])
        number = asks["part"]
        if abs(number) > len(parts):
            return None
        text = parts[number - 1 if number > 0 else number]
    if "query" in asks:
        value = _parameter(text, asks["query"])
        if value is None:
            return None
        text = value
    if "after" in asks:
        at = text.find(asks["after"])
        if at < 0:
            return None
        text = text[at + len(asks["after"]) :]
    ends = asks.get("before", [])
    places = [text.find(end) for end in ([ends] if isinstance(ends, str) else ends)]
    if found := [at for at in places if at >= 0]:
        text = text[: min(found)]
    if "decode" in asks:
        text = unquote_to_bytes(text).decode("utf-8", "replace")
    return text.replace("\0", "?")


def _parameter(url: str, name: str) -> str | None:
    query = url[url.find("?") + 1 :].split("#")[0]
    for pair in query.split("&"):
        for key, value in parse_qsl(pair, keep_blank_values=True, max_num_fields=1):
            if key == name:
                return value
    return None
