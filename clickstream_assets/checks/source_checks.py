"""The checks by source, where there is a `sources.toml`: on `event_files` (the default) and each `event_files/<name>`.

`freshness`, `reject_rate`, `held_files` and `schema_drift` of one source, `sources_in_force` of the file as a whole.
A button and the sensor's reports use the same functions. Without such a file there are none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from clickstream_assets import thresholds
from clickstream_assets.checks.judgement import EXAMPLES_SHOWN, Judgement
from clickstream_assets.checks.look import Look
from clickstream_assets.launches import failing_in_one_sentence
from clickstream_assets.ledger.source_reads import SourceFacts
from clickstream_assets.ledger.waiting import WaitingFiles
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.settings import Settings
from clickstream_assets.sources.source import Source
from clickstream_assets.sources.source_assets import source_key
from clickstream_assets.supervision.shown_checks import ShownCheck, shown_checks
from clickstream_assets.text import count, duration, percent

IN_FORCE = "sources_in_force"
REPORT_EVERY = 60.0  # seconds; a verdict that changes is reported at once


@dataclass(frozen=True)
class Facts:
    """Of one source. `waiting` is None where its directory is not there, or does not answer."""

    source: Source
    waiting: WaitingFiles | None
    ledger: SourceFacts


def freshness(facts: Facts) -> Judgement:
    """How long the oldest file of this source has been waiting to become rows; whether its directory can be read."""
    waiting, problem = facts.waiting, facts.ledger.problem
    if waiting is None or problem:
        what = problem or f"{facts.source.directory} is not there, or does not answer"
        return Judgement(
            "error", f"{what.rstrip('.')}: files of this source are not taken.", _owned(facts, {})
        )
    metadata: dict[str, Any] = {
        "oldest_waiting_seconds": float(waiting.oldest_age_seconds or 0.0),
        "files_waiting": waiting.files,
        "waiting_files": list(waiting.oldest_paths),
        "files_on_disk": waiting.files_on_disk,
        "warn_above_seconds": thresholds.FRESHNESS.warn_above + facts.source.settle_seconds,
        "error_above_seconds": thresholds.FRESHNESS.error_above + facts.source.settle_seconds,
    }
    if waiting.unlistable:
        named = ", ".join(waiting.unlistable[:EXAMPLES_SHOWN])
        return Judgement("error", f"This cannot be listed: {named}.", _owned(facts, metadata))
    if not waiting.files:
        return Judgement("pass", "No file is waiting.", _owned(facts, metadata))
    age = waiting.oldest_age_seconds or 0.0
    description = f"{count(waiting.files)} files are waiting, the oldest for {duration(age)}."
    verdict = thresholds.FRESHNESS.verdict(max(0.0, age - facts.source.settle_seconds))
    return Judgement(verdict, description, _owned(facts, metadata))


def reject_rate(facts: Facts) -> Judgement:
    """Share of the rows of this source's files of the last hour that were rejected; duplicates beside it."""
    counts, limits = facts.ledger.counts, thresholds.REJECT_RATE
    metadata = {
        "rate": float(counts.reject_rate or 0.0),
        "rows_read": counts.rows_read,
        "rows_rejected": counts.rows_rejected,
        "rows_duplicate": counts.rows_duplicate,
        "duplicate_rate": float(counts.duplicate_rate or 0.0),
        "by_reason": dict(facts.ledger.rejects_by_reason),
        "files": counts.files,
        "warn_above": limits.warn_above,
        "error_above": limits.error_above,
        **({} if counts.p99_seconds is None else {"latency_p99_seconds": float(counts.p99_seconds)}),
    }
    if not counts.rows_read:
        return Judgement(
            "pass", "No rows of this source were read in the last hour.", _owned(facts, metadata)
        )
    description = (
        f"{percent(counts.reject_rate)} of {count(counts.rows_read)} rows of the last hour were rejected, "
        f"{percent(counts.duplicate_rate)} duplicates."
    )
    return Judgement(limits.verdict(counts.reject_rate or 0.0), description, _owned(facts, metadata))


def held_files(facts: Facts) -> Judgement:
    """Whether files of this source are held back, or were refused within the last hour."""
    ledger = facts.ledger
    metadata = {
        "held_files": ledger.held_files,
        "held_rows": ledger.held_rows,
        "held_for": list(ledger.held_reasons),
        "refused_files": ledger.refused_files,
        "refused_for": list(ledger.refused_reasons),
    }
    parts = []
    if ledger.held_files:
        since = f"{ledger.held_since:%Y-%m-%d %H:%M}" if ledger.held_since else "a moment ago"
        parts.append(
            f"{count(ledger.held_files)} files with {count(ledger.held_rows)} rows are held back, the first since "
            f"{since} UTC ({', '.join(ledger.held_reasons)}): release or drop them (clickstream files)"
        )
    if ledger.refused_files:
        parts.append(
            f"{count(ledger.refused_files)} files were refused in the last hour "
            f"({', '.join(ledger.refused_reasons)})"
        )
    if not parts:
        return Judgement("pass", "No file is held back, and none was refused.", _owned(facts, metadata))
    return Judgement("warn", f"{'; '.join(parts)}.", _owned(facts, metadata))


def schema_drift(facts: Facts) -> Judgement:
    """Whether files of this source came with a new header within the last hour."""
    new = facts.ledger.new_headers
    metadata = _owned(facts, {"headers_new": new, "drift": facts.source.drift})
    if not new:
        return Judgement("pass", "No header was new in the last hour.", metadata)
    return Judgement("warn", f"{count(new)} headers were new in the last hour.", metadata)


SOURCE_CHECKS: Mapping[str, Callable[[Facts], Judgement]] = {
    "freshness": freshness,
    "reject_rate": reject_rate,
    "held_files": held_files,
    "schema_drift": schema_drift,
}


def in_force(look: Look, loaded: Iterable[str]) -> Judgement:
    """Whether the stream and Dagster go by the newest version of sources.toml."""
    found, loaded = look.in_force, set(loaded)
    names = [source.name for source in found.sources]
    metadata = {"sources": names, "assets": sorted(loaded)}
    if found.fault:
        return Judgement("error", f"{found.fault.rstrip('.')}. What was in force before stays so.", metadata)
    if new := [name for name in names if name not in loaded]:
        return Judgement(
            "warn",
            f"{', '.join(new)}: no assets yet. Reload the code location (Deployment, Reload).",
            metadata,
        )
    return Judgement("pass", f"In force: {', '.join(names)}.", metadata)


def source_checks(sources: Sequence[Source]) -> list[dg.AssetChecksDefinition]:
    """The checks with their buttons."""
    checks = [_button(source, name) for source in sources for name in SOURCE_CHECKS]
    return [*checks, _button_in_force(sources)]


def evaluate_source_checks(
    look: Look, instance: dg.DagsterInstance, loaded: Sequence[str]
) -> list[dg.AssetCheckEvaluation]:
    """What is to be reported of the sources in `loaded`, which have assets: verdicts that changed, and those due."""
    found: list[dg.AssetCheckEvaluation] = []
    sources = [source for source in look.in_force.sources if source.name in loaded]
    for source in sources:
        key = dg.AssetKey(source_key(source.name))
        names = [*SOURCE_CHECKS, *([IN_FORCE] if source.is_default else [])]
        shown = shown_checks(instance, [dg.AssetCheckKey(key, name) for name in names])
        for name in names:
            judgement = (
                in_force(look, loaded) if name == IN_FORCE else SOURCE_CHECKS[name](facts_of(look, source))
            )
            if _is_to_be_reported(judgement, shown[name]):
                found.append(judgement.evaluation(name, key))
    return found


def facts_of(look: Look, source: Source) -> Facts:
    return Facts(
        source, look.waiting_by_source.get(source.name), look.by_source.get(source.name, SourceFacts())
    )


def _is_to_be_reported(judgement: Judgement, shown: ShownCheck) -> bool:
    if shown.is_being_measured:
        return False
    return shown.is_lost or shown.age >= REPORT_EVERY or judgement.verdict != shown.verdict


def _owned(facts: Facts, metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {**metadata, **({"owner": facts.source.owner} if facts.source.owner else {})}


def _button(source: Source, name: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=dg.AssetKey(source_key(source.name)), name=name, description=SOURCE_CHECKS[name].__doc__
    )
    def check(
        database: dg.ResourceParam[Connections], settings: dg.ResourceParam[Settings]
    ) -> dg.AssetCheckResult:
        with failing_in_one_sentence(f"{name} was not measured"), database.open("reader") as connection:
            look = Look(connection, settings)
            now = next((new for new in look.in_force.sources if new.name == source.name), source)
            return SOURCE_CHECKS[name](facts_of(look, now)).result()

    return check


def _button_in_force(sources: Sequence[Source]) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=dg.AssetKey(source_key("default")), name=IN_FORCE, description=in_force.__doc__)
    def check(
        database: dg.ResourceParam[Connections], settings: dg.ResourceParam[Settings]
    ) -> dg.AssetCheckResult:
        with failing_in_one_sentence(f"{IN_FORCE} was not measured"), database.open("reader") as connection:
            return in_force(Look(connection, settings), [source.name for source in sources]).result()

    return check
