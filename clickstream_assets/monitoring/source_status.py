"""The sources in the status: a line each for a person, an object each for a program.

Keys of each entry of `sources` in `clickstream status --json`: `source`, `directory`, `owner`, `drift`, `error_budget`
(per cent), `in_force_since`, `problem` (why its files are not taken, a sentence), `problem_since`, `waiting` (`files`,
`size_bytes`, `oldest_age_seconds`; null where its directory is not there or does not answer), `held_files`,
`held_rows`, `held_reasons`, `refused_files`, `new_headers`, and of the files of the last hour `files`, `rows_read`,
`rows_inserted`, `rows_duplicate`, `rows_rejected`, `duplicate_rate`, `reject_rate`, `rejects_by_reason`, `p50_seconds`,
`p99_seconds`, `last_committed_at`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from psycopg2.extensions import connection as Connection

from clickstream_assets.ledger.source_reads import SourceFacts, read_source_facts
from clickstream_assets.ledger.sources_in_force import InForce
from clickstream_assets.ledger.waiting import WaitingFiles
from clickstream_assets.ledger.waiting_by_source import WaitingBySource
from clickstream_assets.sources.source import Source
from clickstream_assets.text import count, duration, percent, printable


@dataclass(frozen=True)
class SourceStatus:
    """One source at one moment. `waiting` is None where its directory is not there, or does not answer."""

    source: Source
    waiting: WaitingFiles | None
    facts: SourceFacts


@dataclass(frozen=True)
class SourcesStatus:
    """All of them, where there are several. `fault`: why a newer version of the sources' file is not in force."""

    sources: Sequence[SourceStatus] = ()
    fault: str | None = None


def read_sources_status(
    connection: Connection, in_force: InForce, waiting: WaitingBySource, window_seconds: float
) -> SourcesStatus:
    """What the ledger says of each."""
    facts = read_source_facts(connection, window_seconds)
    return SourcesStatus(
        [
            SourceStatus(source, waiting.get(source.name), facts.get(source.name, SourceFacts()))
            for source in in_force.sources
        ],
        in_force.fault,
    )


def sources_json(status: SourcesStatus) -> list[dict[str, Any]]:
    """The entries of `sources`; moments are still `datetime`."""
    return [_json(one) for one in status.sources]


def sources_rows(status: SourcesStatus) -> list[tuple[str, str]]:
    """The lines for a person."""
    rows = [("Sources", f"! {status.fault}")] if status.fault else []
    for one in status.sources:
        rows.append(("" if rows else "Sources", _line(one)))
        rows += [("", f"! {printable(problem)}") for problem in _problems(one)]
    return rows


def _line(one: SourceStatus) -> str:
    counts = one.facts.counts
    waits = "?" if one.waiting is None else count(one.waiting.files)
    return (
        f"{one.source.name:<16}{waits} waiting, {count(counts.rows_read)} rows of {count(counts.files)} files, "
        f"rejects {percent(counts.reject_rate)}, duplicates {percent(counts.duplicate_rate)}, "
        f"p99 {duration(counts.p99_seconds)}"
    )


def _problems(one: SourceStatus) -> list[str]:
    facts, found = one.facts, []
    if facts.problem:
        found.append(facts.problem)
    elif one.waiting is None:
        found.append(f"{one.source.location} is not there, or does not answer")
    if facts.held_files:
        found.append(
            f"{count(facts.held_files)} files of {one.source.name} are held back ({', '.join(facts.held_reasons)}):"
            " clickstream files list"
        )
    if facts.refused_files:
        found.append(f"{count(facts.refused_files)} files of {one.source.name} were refused")
    return found


def _json(one: SourceStatus) -> dict[str, Any]:
    source, facts, counts = one.source, one.facts, one.facts.counts
    waiting: Mapping[str, Any] | None = None
    if one.waiting is not None:
        waiting = {name: getattr(one.waiting, name) for name in ("files", "size_bytes", "oldest_age_seconds")}
    return {
        "source": source.name,
        "directory": source.location,
        "owner": source.owner,
        "drift": source.drift,
        "error_budget": source.error_budget,
        "in_force_since": facts.in_force_since,
        "problem": facts.problem,
        "problem_since": facts.problem_since,
        "waiting": waiting,
        "held_files": facts.held_files,
        "held_rows": facts.held_rows,
        "held_reasons": list(facts.held_reasons),
        "refused_files": facts.refused_files,
        "new_headers": facts.new_headers,
        **asdict(counts),
        "duplicate_rate": counts.duplicate_rate,
        "reject_rate": counts.reject_rate,
        "rejects_by_reason": dict(facts.rejects_by_reason),
    }
