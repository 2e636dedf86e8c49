"""One look at the pipeline for all checks: what several of them need is read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from psycopg2.extensions import connection as Connection

from clickstream_assets import thresholds
from clickstream_assets.ledger import reads as ledger
from clickstream_assets.ledger.source_reads import SourceFacts, read_source_facts
from clickstream_assets.ledger.sources_in_force import InForce, sources_in_force
from clickstream_assets.ledger.waiting import WaitingFiles
from clickstream_assets.ledger.waiting_by_source import (
    WaitingBySource,
    read_waiting_by_source,
    together,
)
from clickstream_assets.settings import Settings


@dataclass(frozen=True)
class Look:
    """A connection of the reader, the settings, and the facts that more than one check judges.

    `is_awaited`: the supervisor has just been started, and will look within seconds.
    """

    connection: Connection
    settings: Settings
    is_awaited: bool = False

    @cached_property
    def lease(self) -> ledger.LeaseRow:
        return ledger.read_lease(self.connection)

    @cached_property
    def waiting(self) -> WaitingFiles:
        return together(self.waiting_by_source)

    @cached_property
    def in_force(self) -> InForce:
        """The sources, as far as can be told."""
        return sources_in_force(self.connection, self.settings)

    @cached_property
    def waiting_by_source(self) -> WaitingBySource:
        return read_waiting_by_source(self.connection, self.in_force.sources)

    @cached_property
    def by_source(self) -> Mapping[str, SourceFacts]:
        """Of the hour that the rates are judged over."""
        return read_source_facts(self.connection, thresholds.RATE_WINDOW_SECONDS)

    @cached_property
    def window(self) -> ledger.WindowCounts:
        """Of the hour that the rates are judged over."""
        return ledger.read_window_counts(self.connection, thresholds.RATE_WINDOW_SECONDS)

    @cached_property
    def lifetime(self) -> ledger.Counts:
        return ledger.read_lifetime_counts(self.connection)
