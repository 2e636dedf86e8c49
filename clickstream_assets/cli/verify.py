"""`clickstream verify`. The audits themselves are in `conservation` and `values_audit`."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import click

from clickstream_assets.cli.long_work import told_on
from clickstream_assets.conservation.audit import verify
from clickstream_assets.conservation.outcome import Audit
from clickstream_assets.ledger.sources_in_force import sources_in_force
from clickstream_assets.postgres.sharing import session
from clickstream_assets.second_reader.mapping import read_audit_mapping
from clickstream_assets.settings import Settings
from clickstream_assets.sources.answering import answers
from clickstream_assets.text import count, duration, moment, printable
from clickstream_assets.values_audit.audit import audit_values
from clickstream_assets.values_audit.fetched_again import fetched_again
from clickstream_assets.values_audit.findings import ValuesAudit
from clickstream_assets.values_audit.opening import FilesToRead
from clickstream_assets.values_audit.unseen import unseen

SHOWN = 50  # offences on the screen; --json has more


@click.command("verify")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@click.option(
    "--values", "with_values", is_flag=True, help="Read the files again and compare every stored value."
)
@click.option(
    "--sample",
    type=click.IntRange(min=1),
    metavar="N",
    help="With --values: about N rows, of files chosen at random.",
)
@click.option(
    "--source",
    type=click.Path(path_type=Path, file_okay=False),
    help="The directory that the stream reads, if not CLICKSTREAM_EVENTS_DIR.",
)
def command(as_json: bool, with_values: bool, sample: int | None, source: Path | None) -> None:
    """Audit conservation: for every file and batch, rows read = inserted + duplicate + rejected.

    The ledger is compared with the rows that are stored, in one moment, while the stream may go on. With --values,
    the files that are still there are read again as well, by a reader that shares no code with the stream, and
    each value is compared with the stored one. Exit 1 where it fails, with the offending files, batches and rows.
    """
    if sample is not None and not with_values:
        raise click.UsageError("--sample says how many rows --values compares: give both.")
    settings = Settings.from_env()
    if source is not None:
        settings = settings.changed(events_dir=source.absolute(), sources=None)
    values = None
    with (
        ExitStack() as resources,
        told_on(sys.stderr, "verify") as progress,
        session(settings, "reader", "clickstream-verify") as connection,
    ):
        mapping = read_audit_mapping(settings.source_mapping) if with_values else None
        default, *others = sources_in_force(connection, settings).sources
        there = [source.events_directory for source in others if answers(source.directory)]
        audit = verify(connection, default.events_directory, progress, there)
        if mapping is not None:
            reading = FilesToRead(
                default.directory,
                default.archive_dir,
                mapping,
                settings.identical_rows,
                {source.name: (source.directory, source.archive_dir) for source in others},
                resources.enter_context(fetched_again(others, settings.home)),
            )
            values = audit_values(connection, reading, sample, progress)
    result = audit_json(audit, values)
    click.echo(json.dumps(result, indent=2) if as_json else audit_text(audit, values))
    sys.exit(0 if result["ok"] else 1)


def audit_json(audit: Audit, values: ValuesAudit | None = None) -> dict[str, object]:
    """Keys: ok, taken_at, seconds, files, batches, counts, rows_dropped and events_from (retention), offence_count,
    offences (at most 1,000), not_seen (what, text, files, rows); with `values`, values, which has its own."""
    found: dict[str, object] = {
        "ok": audit.ok and (values is None or values.ok),
        "taken_at": audit.taken_at.isoformat(),
        "seconds": round(audit.seconds, 3),
        "files": audit.files,
        "batches": audit.batches,
        "counts": asdict(audit.counts),
        "rows_dropped": audit.rows_dropped,
        "events_from": audit.events_from.isoformat() if audit.events_from else None,
        "offence_count": audit.offence_count,
        "offences": [asdict(offence) for offence in audit.offences],
        "not_seen": [blind._asdict() for blind in unseen(audit, values)],
    }
    if values is not None:
        found["values"] = {
            "ok": values.ok,
            "seconds": round(values.seconds, 3),
            "rows_per_second": round(values.rows_per_second),
            "files": values.files,
            "rows": values.rows,
            "events": values.events,
            "rejects": values.rejects,
            "duplicates": values.duplicates,
            "rows_dropped": values.rows_dropped,
            "cannot_be_compared": [
                {"finding": finding, "path": path} for finding, path in values.missing_paths
            ],
            "offence_count": values.offence_count,
            "offences": [asdict(offence) for offence in values.offences],
        }
    return found


def audit_text(audit: Audit, values: ValuesAudit | None = None) -> str:
    lines = _books_lines(audit)
    if values is not None:
        lines += _values_lines(values)
    if blinds := unseen(audit, values):
        lines += ["Not seen:", *(f"  {blind.text}." for blind in blinds)]
    return "\n".join(lines)


def _books_lines(audit: Audit) -> list[str]:
    counts = audit.counts
    scope = f"{count(audit.files)} files, {count(audit.batches)} batches, {duration(audit.seconds)}"
    sum_ = (
        f"{count(counts.rows_read)} rows read = {count(counts.rows_inserted)} inserted"
        f" + {count(counts.rows_duplicate)} duplicate + {count(counts.rows_rejected)} rejected"
    )
    if audit.events_from is not None:
        sum_ += (
            f"\nRetention dropped {count(audit.rows_dropped)} of the inserted rows: events before"
            f" {moment(audit.events_from)}."
        )
    if audit.ok:
        return [f"Conservation holds: {sum_}", f"Checked against the stored rows: {scope}."]
    lines = [f"Conservation is broken: {count(audit.offence_count)} offences ({scope})."]
    lines += [f"  {offence.rule:<16}{offence.message}" for offence in audit.offences[:SHOWN]]
    return [*lines, *_more(audit.offence_count), f"By the ledger: {sum_}"]


def _values_lines(values: ValuesAudit) -> list[str]:
    kinds = f"{count(values.events)} events, {count(values.rejects)} rejects, {count(values.duplicates)} duplicates"
    scope = (
        f"{count(values.rows)} rows of {count(values.files)} files ({kinds}; {duration(values.seconds)},"
        f" {count(round(values.rows_per_second))} rows a second)"
    )
    named = [
        f"  {finding:<16}{printable(path)}: cannot be compared"
        for finding, path in values.missing_paths[:SHOWN]
    ]
    if values.ok:
        return [f"Values hold: {scope} are stored as the files have them.", *named]
    return [
        f"Values differ: {count(values.offence_count)} offences in {scope}.",
        *(f"  {offence.rule:<16}{offence.message}" for offence in values.offences[:SHOWN]),
        *_more(values.offence_count),
        "They were read by the rules of this version, with CLICKSTREAM_IDENTICAL_ROWS of now: rows that were loaded by"
        " others may differ for that.",
        *named,
    ]


def _more(offences: int) -> list[str]:
    return [f"  … and {count(offences - SHOWN)} more (--json names up to 1,000)."] if offences > SHOWN else []
