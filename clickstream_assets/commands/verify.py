"""`clickstream verify`. The audit itself is in `verification`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from clickstream_assets.role_connection import role_connection
from clickstream_assets.settings import Settings
from clickstream_assets.units import count, duration, moment
from clickstream_assets.verification import Audit, verify

SHOWN = 50  # offences on the screen; --json has more


@click.command("verify")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@click.option(
    "--source",
    type=click.Path(path_type=Path, file_okay=False),
    help="The directory that the stream reads, if not CLICKSTREAM_EVENTS_DIR.",
)
def command(as_json: bool, source: Path | None) -> None:
    """Audit conservation: for every file and batch, rows read = inserted + duplicate + rejected.

    The ledger is compared with the rows that are stored, in one moment, while the stream may go on. Exit 1 where
    it fails, with the offending files and batches.
    """
    settings = Settings.from_env()
    with role_connection(settings, "reader", "clickstream-verify") as connection:
        audit = verify(connection, (source or settings.events_dir).absolute(), _progress)
    click.echo(json.dumps(audit_json(audit), indent=2) if as_json else audit_text(audit))
    sys.exit(0 if audit.ok else 1)


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        click.echo(f"verify: {text}", err=True)


def audit_json(audit: Audit) -> dict[str, object]:
    """Keys: ok, taken_at, seconds, files, batches, counts, rows_dropped and events_from (retention), offence_count,
    offences (at most 1,000)."""
    return {
        "ok": audit.ok,
        "taken_at": audit.taken_at.isoformat(),
        "seconds": round(audit.seconds, 3),
        "files": audit.files,
        "batches": audit.batches,
        "counts": asdict(audit.counts),
        "rows_dropped": audit.rows_dropped,
        "events_from": audit.events_from.isoformat() if audit.events_from else None,
        "offence_count": audit.offence_count,
        "offences": [asdict(offence) for offence in audit.offences],
    }


def audit_text(audit: Audit) -> str:
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
        return f"Conservation holds: {sum_}\nChecked against the stored rows: {scope}."
    lines = [f"Conservation is broken: {count(audit.offence_count)} offences ({scope})."]
    lines += [f"  {offence.rule:<16}{offence.message}" for offence in audit.offences[:SHOWN]]
    if audit.offence_count > SHOWN:
        lines.append(f"  … and {count(audit.offence_count - SHOWN)} more (--json names up to 1,000).")
    return "\n".join([*lines, f"By the ledger: {sum_}"])
