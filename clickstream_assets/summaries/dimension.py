"""The dimension `user_agents`: a row for each distinct string, with what it names. No row is ever deleted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date

from clickstream_assets.summaries import user_agents
from clickstream_assets.summaries.adding import AddsEvents, Batches
from clickstream_assets.summaries.summary import SummaryError
from clickstream_assets.summaries.transaction import Added, Record, Transaction


@dataclass(frozen=True, kw_only=True)
class UserAgents(AddsEvents):
    """`add` finds the new strings. Made again, it says anew what each string names."""

    def remake_day(self, run: Transaction, old: Record, day: date) -> tuple[Record, Added]:
        raise SummaryError(f"{self.name} has no days: refresh or rebuild it whole.")

    def _clear(self, run: Transaction, old: Record, floor: str, target: int) -> None:
        known = [string for (string,) in run.rows("user_agents.known")]
        run.execute("user_agents.update", **_parsed(known))

    def _add(self, run: Transaction, batches: Batches, start: str | None = None) -> Added:
        events, last_event_id, strings = run.rows(self.add, **asdict(batches))[0]
        if strings:
            run.execute("user_agents.insert", **_parsed(strings))
        return Added(events, len(strings), len(strings), last_event_id)


def _parsed(strings: Sequence[str]) -> dict[str, object]:
    parsed = [user_agents.parse(string) for string in strings]
    return {
        "user_agents": list(strings),
        "devices": [found.device for found in parsed],
        "models": [found.model for found in parsed],
        "systems": [found.system for found in parsed],
        "browsers": [found.browser for found in parsed],
    }
