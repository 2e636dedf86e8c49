"""What a source is: where its files are, how they are read, and what becomes of those that are not as agreed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from clickstream_assets.contract import DEFAULT_SOURCE
from clickstream_assets.file_names import EventsDirectory
from clickstream_assets.settings.values import FinishedFiles
from clickstream_assets.sources.object_store import ObjectStore

Drift = Literal["accept", "quarantine", "refuse"]


@dataclass(frozen=True)
class Source:
    """One source. `mapping` are the tables of its source mapping, `mapping_from` the file that has them.

    `unfinished` are patterns of names, besides the known ones. `error_budget` is the percentage of rejects from which
    on a file is held back; None: any are taken. `drift` says what becomes of a file whose columns are others. `store`:
    the files are objects in it, and `directory` is where the stream fetches them to.
    """

    name: str
    directory: Path
    mapping: Mapping[str, Any] = field(default_factory=dict, hash=False)
    mapping_from: str = "the source mapping"
    settle_seconds: float = 1.0
    settle_unterminated_seconds: float = 60.0
    follow_links: bool = False
    unfinished: tuple[str, ...] = ()
    drift: Drift = "accept"
    error_budget: float | None = None
    finished_files: FinishedFiles = "keep"
    finished_hours: float = 24.0
    archive_dir: Path = Path("archive")
    owner: str | None = None
    store: ObjectStore | None = None

    @property
    def location(self) -> str:
        """Where its files come from, for people."""
        return str(self.directory) if self.store is None else self.store.url

    @property
    def is_default(self) -> bool:
        return self.name == DEFAULT_SOURCE

    @property
    def events_directory(self) -> EventsDirectory:
        """Its directory as the stream reads it."""
        return EventsDirectory(self.directory, self.follow_links, self.name, self.unfinished)

    @property
    def judges_files(self) -> bool:
        """Whether a file may be held back or refused for what is in it."""
        return self.drift != "accept" or self.error_budget is not None

    def settings_json(self) -> str:
        """Its rules, for the ledger; without its mapping, which is recorded with the files."""
        store = {} if self.store is None else {"store": asdict(self.store)}
        return json.dumps(
            store
            | {
                "settle_seconds": self.settle_seconds,
                "settle_unterminated_seconds": self.settle_unterminated_seconds,
                "follow_links": self.follow_links,
                "unfinished": list(self.unfinished),
                "drift": self.drift,
                "error_budget": self.error_budget,
                "finished_files": self.finished_files,
                "finished_hours": self.finished_hours,
                "archive_dir": str(self.archive_dir),
            }
        )
