"""Single lines of JSON, each an object: taken apart for a CSV, and sent back behind their link."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from clickstream_assets.contract import REPLAY_OF
from clickstream_assets.second_reader.of_json.objects import ObjectError, members

# What `linked_object` puts in front.
_LINKED = re.compile(
    rb'\{"' + REPLAY_OF.encode() + rb'": "[0-9:]+"(?:, "replayed_again_at": "[^"]*")?(?:, )?'
)


def object_fields(record: bytes, columns: Sequence[str]) -> list[str]:
    """The texts of an object by its columns; of a line that is none, all of it as one text."""
    try:
        found = members(record)
    except ObjectError:
        return [record.decode("utf-8", "surrogateescape")]
    return [found.get(name, "") for name in columns]


def is_object(record: bytes) -> bool:
    """Whether a line is an object of JSON."""
    try:
        return isinstance(json.loads(record), dict)
    except (ValueError, RecursionError):
        return False


def linked_object(record: bytes, own: Mapping[str, str]) -> bytes:
    """The line, byte for byte, with `own` members in front, which replace those of an earlier replay."""
    rest = _LINKED.sub(b"{", record.strip(), count=1)[1:].lstrip()
    front = ", ".join(f'"{name}": "{value}"' for name, value in own.items())
    separator = b"" if rest.startswith(b"}") else b", "
    return b"{" + front.encode() + separator + rest + b"\n"
