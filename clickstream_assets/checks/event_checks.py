"""The checks on `events`, each a module of `on_events`: `read` gets the facts, `judge` says how they are.

The name of a module is the name of its check, and the docstring of its `read` is the description in Dagster. The button
made here and the sensor's reports (`reporting`) use the same two functions, so that they cannot disagree.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import dagster as dg
from psycopg2.extensions import connection as Connection

from clickstream_assets.checks.judgement import EVENTS, Judgement
from clickstream_assets.checks.look import Look
from clickstream_assets.checks.on_events import (
    conservation,
    duplicate_rate,
    freshness,
    id_conflicts,
    latency,
    reject_rate,
    same_id_other_time,
    schema_drift,
    stream_alive,
)
from clickstream_assets.launches import failing_in_one_sentence
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.settings import Settings


class EventCheck(Protocol):
    """What a module of a check defines."""

    __name__: str

    def read(self, look: Look) -> Any: ...
    @property
    def judge(self) -> Any: ...


_MODULES: tuple[EventCheck, ...] = (
    stream_alive,
    freshness,
    duplicate_rate,
    reject_rate,
    latency,
    id_conflicts,
    schema_drift,
    conservation,
    same_id_other_time,
)
EVENT_CHECKS: Mapping[str, EventCheck] = {module.__name__.rpartition(".")[2]: module for module in _MODULES}


def measure(name: str, connection: Connection, settings: Settings) -> Judgement:
    """The judgement of one check at this moment."""
    check = EVENT_CHECKS[name]
    judgement: Judgement = check.judge(check.read(Look(connection, settings)))
    return judgement


def _with_button(name: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=EVENTS, name=name, description=EVENT_CHECKS[name].read.__doc__)
    def check(
        database: dg.ResourceParam[Connections], settings: dg.ResourceParam[Settings]
    ) -> dg.AssetCheckResult:
        with failing_in_one_sentence(f"{name} was not measured"), database.open("reader") as connection:
            return measure(name, connection, settings).result()

    return check


event_checks = [_with_button(name) for name in EVENT_CHECKS]
