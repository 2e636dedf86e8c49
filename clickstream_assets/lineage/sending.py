"""Sends what the catalogue does not know yet: micro-batches first, then refreshes.

What was sent is written down after every `RECORD_EVERY` events. A process that dies in between sends them again, under
the same run ids.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from psycopg2.extensions import connection as Connection

from clickstream_assets.lineage import openlineage, outbox
from clickstream_assets.lineage.openlineage import Json, Place
from clickstream_assets.lineage.post import Catalogue, NotDelivered, Refused

RECORD_EVERY = 50  # events
TIME = 10.0  # seconds for one round: Dagster's daemon waits for it
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0  # seconds


@dataclass
class Round:
    """What one round did."""

    sent: int = 0
    refused: int = 0
    error: str | None = None  # of the last refusal, or why the round ended early


def send_due(
    connection: Connection,
    catalogue: Catalogue,
    place: Place,
    clock: Callable[[], float] = time.monotonic,
) -> Round:
    """Send what is due, for at most TIME seconds. The connection autocommits.

    A catalogue that is away ends the round and is left alone for a while, longer with each failure. What it refuses
    for good is counted and passed over: it would hold up everything behind it for ever.
    """
    done, deadline = Round(), clock() + TIME
    position = outbox.read_sent(connection)
    try:
        while batches := outbox.due_batches(connection, position.through_batch_id, RECORD_EVERY):
            before = replace(done)
            try:
                for batch in batches:
                    _post(catalogue, openlineage.of_batch(batch, place), done)
                    position = replace(position, through_batch_id=batch.batch_id)
                    if clock() > deadline:
                        return done
            finally:
                _record(connection, position, before, done)
        for refresh in outbox.due_refreshes(connection):
            before = replace(done)
            _post(catalogue, openlineage.of_refresh(refresh, place), done)
            known = outbox.Sent(refresh.summary, refresh.through_batch_id, refresh.done_at)
            _record(connection, known, before, done)
            if clock() > deadline:
                return done
    except NotDelivered as away:
        failures = outbox.read_pause(connection).failures
        outbox.record_failure(connection, str(away), pause_after(failures + 1))
        done.error = str(away)
    return done


def pause_after(failures: int) -> float:
    """Seconds to wait after so many failures in a row."""
    return float(min(FIRST_PAUSE * 2 ** (min(failures, 10) - 1), LONGEST_PAUSE))


def _post(catalogue: Catalogue, event: Json, done: Round) -> None:
    try:
        catalogue.post(event)
        done.sent += 1
    except Refused as refusal:
        done.refused += 1
        done.error = str(refusal)


def _record(connection: Connection, known: outbox.Sent, before: Round, done: Round) -> None:
    if (events := done.sent - before.sent) + (refused := done.refused - before.refused):
        error = done.error if refused else None
        outbox.record_sent(connection, known, events=events, refused=refused, error=error)
