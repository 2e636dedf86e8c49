"""How the files of one source are taken, and what its intake works with."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass

from clickstream_assets.contract import DEFAULT_SOURCE
from clickstream_assets.file_names import is_ignored
from clickstream_assets.sources.source import Drift
from spark.discovery.discovery import Discovery
from spark.inspection.examination import Examination
from spark.inspection.inspecting import CHUNK_BYTES
from spark.intake.database_wait import DatabaseWait
from spark.intake.file_system_clock import FileSystemClock
from spark.intake.manifest import Manifest
from spark.mapping.source_mapping import UNMAPPED, SourceMapping

LOOK_SECONDS = 0.01  # between looks at a directory; an idle look is one stat


@dataclass(frozen=True)
class IntakeRules:
    """Of one source."""

    source: str = DEFAULT_SOURCE
    mapping: SourceMapping = UNMAPPED  # what the producer calls things
    settle_seconds: float = 0.0  # a file unchanged for so long is complete …
    unterminated_seconds: float = 0.0  # … and for so long, where its last line has no end
    follow_links: bool = False  # also those that lead out of the directory
    ignores: Callable[[bytes], bool] = is_ignored  # which names are left alone
    drift: Drift = "accept"  # which columns are taken (`inspection.judging`) …
    error_budget: float | None = None  # … and how many rejects
    unreadable_seconds: float = (
        math.inf
    )  # what cannot be read for longer, while other files can be, is set aside
    look_seconds: float = LOOK_SECONDS
    is_one_of_several: bool = (
        False  # its thread may be left behind, and the ledger says what to look at again
    )
    chunk_bytes: int = CHUNK_BYTES


NO_RULES = IntakeRules()


@dataclass(frozen=True)
class Workplace:
    """Of the intake of one source, whose directory is `root`."""

    root: bytes
    rules: IntakeRules
    manifest: Manifest
    discovery: Discovery
    examination: Examination
    file_system: FileSystemClock
    database: DatabaseWait
    stop: threading.Event
