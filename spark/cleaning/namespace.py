"""What the UUIDs of events without one are made of (UUIDv5: RFC 9562, section 5.5), one at a time.

The rule as it is written down: an id that is no UUID becomes the UUIDv5 of its text, a row without any id that of its
seven cleaned values. `identity` follows it for whole columns.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from clickstream_assets.contract import NAMESPACE as NAMESPACE

SEPARATOR = "\x1f"  # the unit separator of ASCII
NO_VALUE = "\x00"  # cannot occur in a value: lines with NUL are rejected


def uuid_of_text(text: str) -> uuid.UUID:
    """The event id for an id that is no UUID."""
    return uuid.uuid5(NAMESPACE, text)


def uuid_of_values(values: Sequence[str | None]) -> uuid.UUID:
    """The event id for a row without one: `values` in the order of `header.FIELDS` without `event_id`.

    The time counts as microseconds since 1970, the price with ten decimals.
    """
    return uuid.uuid5(NAMESPACE, SEPARATOR.join(NO_VALUE if value is None else value for value in values))
