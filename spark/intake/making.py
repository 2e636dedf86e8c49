"""Making the intake of a source: of its directory, or of its objects."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from clickstream_assets.sources.source import Source
from spark.discovery.place import EventsPlace
from spark.intake.intake import Intake
from spark.intake.manifest import Manifest
from spark.intake.workplace import LOOK_SECONDS, IntakeRules
from spark.mapping.source_mapping import SourceMapping
from spark.objects.object_intake import ObjectIntake
from spark.objects.object_ledger import ObjectLedger

SPARING = 4  # from so many sources on they look around less often, so that idle looks cost no more

Say = Callable[[str | None], None]


class ReadSource(NamedTuple):
    """A source, and what its mapping means."""

    source: Source
    mapping: SourceMapping


@dataclass(frozen=True)
class IntakeMaker:
    """What the intakes of one stream share.

    `failed` is called with what ended an intake that cannot go on. `waits` gives, by a name, how to say that somebody
    waits for the database. `troubled` says why the directory of the only source cannot be read, and None when it can be
    again. For `unreadable_seconds` all wait for a file that cannot be read. `home` remembers where the file systems of
    the directories were mounted.
    """

    manifest: Manifest
    failed: Callable[[BaseException], None]
    waits: Callable[[str], Say]
    troubled: Say = lambda _: None
    unreadable_seconds: float = math.inf
    home: Path | None = None

    def only(self, read: ReadSource) -> Intake | ObjectIntake:
        """Of a source that is the only one."""
        return self._intake(read, self._rules(read), "intake", self.troubled)

    def one_of(self, sources: int, read: ReadSource) -> Intake | ObjectIntake:
        """Of one of so many; whether it is in trouble is asked for, and recorded."""
        rules = replace(
            self._rules(read),
            is_one_of_several=True,
            look_seconds=LOOK_SECONDS * max(1.0, sources / SPARING),
        )
        return self._intake(read, rules, f"intake of {read.source.name}", lambda _: None)

    def _rules(self, read: ReadSource) -> IntakeRules:
        source = read.source
        return IntakeRules(
            source=source.name,
            mapping=read.mapping,
            settle_seconds=source.settle_seconds,
            unterminated_seconds=source.settle_unterminated_seconds,
            follow_links=source.follow_links,
            ignores=source.events_directory.ignores,
            drift=source.drift,
            error_budget=source.error_budget,
            unreadable_seconds=self.unreadable_seconds,
        )

    def _intake(
        self, read: ReadSource, rules: IntakeRules, waiting: str, troubled: Say
    ) -> Intake | ObjectIntake:
        source = read.source

        def of_files(all_there: Callable[[], bool] = lambda: True) -> Intake:
            return Intake(
                EventsPlace(os.fsencode(source.directory), self.home),
                self.manifest,
                self.failed,
                rules,
                waits=self.waits(waiting),
                troubled=troubled,
                all_there=all_there,
            )

        if source.store is None:
            return of_files()
        session = self.manifest.session
        bucket = f"{source.store.scheme}://{source.store.bucket}"
        ledger = ObjectLedger(session.open_another, session.epoch, source.name, bucket)
        return ObjectIntake(source, ledger, of_files, self.failed, self.waits(f"objects of {source.name}"))
