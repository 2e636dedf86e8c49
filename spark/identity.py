"""The identity of an event that brings no UUID: a UUIDv5 (RFC 9562, section 5.5), in Python and in Spark SQL.

Belongs here: the namespace and the two renderings of one rule, which a test holds equal. An id that is no UUID
becomes the UUIDv5 of its text. A row without any id becomes the UUIDv5 of its seven cleaned values, so that rows
identical in all of them are one event.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from clickstream_assets.contract import NAMESPACE as NAMESPACE

SEPARATOR = "\x1f"  # the unit separator of ASCII
NO_VALUE = "\x00"  # cannot occur in a value: lines with NUL are rejected

_VARIANT = "89ab" * 4  # the two high bits of the 17th digit are 10, the low two stay


def uuid_of_text(text: str) -> uuid.UUID:
    """The event id for an id that is no UUID."""
    return uuid.uuid5(NAMESPACE, text)


def uuid_of_values(values: Sequence[str | None]) -> uuid.UUID:
    """The event id for a row without one: `values` in the order of `header.FIELDS` without `event_id`.

    The time counts as microseconds since 1970, the price with ten decimals.
    """
    return uuid.uuid5(NAMESPACE, SEPARATOR.join(NO_VALUE if value is None else value for value in values))


def sql_digest(text: str) -> str:
    """Spark SQL: the digest that UUIDv5 is made of, for the string expression `text`."""
    return f"sha1(concat(unhex('{NAMESPACE.hex}'), encode({text}, 'UTF-8')))"


def sql_uuid_of_digest(digest: str) -> str:
    """Spark SQL: the UUIDv5 with the hexadecimal `digest`."""
    return (
        f"concat(substr({digest}, 1, 8), '-', substr({digest}, 9, 4), '-5', substr({digest}, 14, 3), '-', "
        f"translate(substr({digest}, 17, 1), '0123456789abcdef', '{_VARIANT}'), substr({digest}, 18, 3), '-', "
        f"substr({digest}, 21, 12))"
    )


def sql_joined_values(values: Sequence[str]) -> str:
    """Spark SQL: what `uuid_of_values` makes a UUID of, for the string expressions `values`."""
    joined = ", ".join(f"coalesce({value}, '\\u0000')" for value in values)
    return f"concat_ws('\\u001f', {joined})"
