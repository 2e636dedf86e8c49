"""What a sensor remembers from tick to tick, in its cursor, which a person may set to anything in Dagster's pages."""

from __future__ import annotations

from typing import TypeVar

import dagster as dg
from pydantic import TypeAdapter, ValidationError

Memory = TypeVar("Memory")


def remembered(context: dg.SensorEvaluationContext, kind: type[Memory]) -> Memory:
    """The memory in the cursor; an empty one where there is none, or the cursor holds something else: a tick that fails
    of it would fail for ever."""
    if not context.cursor:
        return kind()
    try:
        return TypeAdapter(kind).validate_json(context.cursor)
    except ValidationError as error:
        what = error.errors()[0]["msg"]
        context.log.warning(f"The cursor is not one of this sensor, which begins anew: {what}.")
        return kind()
