"""The UUIDs of events without one, one at a time, as the rule is written down; `spark.cleaning.identity` follows it for
whole columns."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from clickstream_assets.contract import NAMESPACE
from spark.cleaning.identity import NO_VALUE, SEPARATOR


def uuid_of_text(text: str) -> uuid.UUID:
    """The event id for an id that is no UUID."""
    return uuid.uuid5(NAMESPACE, text)


def uuid_of_values(values: Sequence[str | None]) -> uuid.UUID:
    """The event id for a row without one: `values` in the order of `contract.FIELDS` without `event_id`.

    The time counts as microseconds since 1970, the price with ten decimals.
    """
    return uuid.uuid5(NAMESPACE, SEPARATOR.join(NO_VALUE if value is None else value for value in values))
