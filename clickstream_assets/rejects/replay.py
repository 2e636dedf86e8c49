"""Sending dead letters back: into the events directory, as a file like any other, linked to the original lines.

The originals are marked as replayed. The books of the first file stay as they were; the new file has its own.

Order of a replay, and what a crash leaves behind:
1. In one open transaction, lock the originals that were not replayed yet and mark them. A second replay at the
   same time waits here, then finds them marked.
2. Write the file under a hidden name, flush it to disk, rename it. A crash before: nothing happened.
3. Commit the marks. A crash between 2 and 3 leaves the file, and the originals unmarked: replaying once more
   gives the same bytes and, named after their hash, the same name. It is not written again; and where it was
   archived meanwhile, intake knows the content and counts it as duplicate.
Marking first would lose the lines in silence; hence the file first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from psycopg2.extensions import connection as Connection

from clickstream_assets.contract import DEFAULT_SOURCE
from clickstream_assets.errors import SettingsError
from clickstream_assets.rejects.outgoing import Outgoing
from clickstream_assets.rejects.reads import PAGE_ROWS, RejectFilter, read_rejects, read_rejects_at
from clickstream_assets.rejects.records import (
    Reject,
    RepairedFile,
    RepairedRow,
    ReplayFileError,
    can_go_back_as_it_is,
    is_unchanged,
    read_repaired,
    repaired_content,
    unrepaired_header,
    unrepaired_line,
)
from clickstream_assets.sql_files import statement

Places = Mapping[str, Path]  # the directory of each source
_Kind = tuple[int, str | None, str]  # the layout, the path that must be kept, the source


@dataclass(frozen=True)
class Replay:
    """What a replay did. `files` are new in the events directory, or were there from an interrupted replay."""

    files: tuple[Path, ...]
    rows: int  # sent back
    replayed_before: int  # left out: they were sent back earlier
    unchanged: int = 0  # left out of a repaired file: nobody repaired them
    not_as_they_are: int = (
        0  # left out of an unrepaired replay: cut or with an open quote, to be repaired first
    )


def replay_repaired(connection: Connection, places: Places | Path, content: bytes, again: bool) -> Replay:
    """Send back the repaired rows of an export. The connection is in autocommit mode, and may mark.

    Rows that are as the export wrote them are left out: they would be rejected again, or worse, a line whose
    quotes had to be guessed would be taken as guessed.

    Raises:
        ReplayFileError: the file cannot be taken; nothing was done.
        SettingsError: a row is of a source that is no longer read; nothing was done.
        OSError: the events directory cannot be written; nothing was done.
    """
    repaired = read_repaired(content)
    with connection:  # one transaction, in autocommit mode too
        originals = _originals(connection, repaired)
        changed = [
            row
            for row in repaired.rows
            if not is_unchanged(row, repaired.columns, originals[row.file_id, row.line_no])
        ]
        reject_ids = {originals[row.file_id, row.line_no].reject_id for row in changed}
        claimed = _claim(connection, sorted(reject_ids), again)
        rows = [row for row in changed if originals[row.file_id, row.line_no].reject_id in claimed]
        _mark(connection, claimed)
        files: list[Path] = []
        for (delimiter, escape, path, source), alike in _by_kind(rows, originals).items():
            with Outgoing(_place(places, source), path) as outgoing:
                again_at = _again_at(again)
                for line in repaired_content(repaired.columns, alike, again_at, escape, delimiter):
                    outgoing.write(line)
                files.append(outgoing.deliver())
    unchanged = len(repaired.rows) - len(changed)
    return Replay(tuple(files), len(rows), len(changed) - len(rows), unchanged=unchanged)


def replay_as_they_are(
    connection: Connection, places: Places | Path, which: RejectFilter, again: bool
) -> Replay:
    """Send back rejected lines byte for byte, for instance after a rule was changed; one file a header.

    The connection is in autocommit mode, and may mark.

    `places`: the directory of each source, or that of the only one.

    Raises:
        OSError: the directory of a source cannot be written; nothing was done.
        SettingsError: a row is of a source that is no longer read; nothing was done.
    """
    again_at = _again_at(again)
    outgoing: dict[_Kind, Outgoing] = {}
    rows = before = not_as_they_are = 0
    try:
        with connection:  # one transaction, in autocommit mode too
            rejects = read_rejects(connection, which, again)
            while page := list(islice(rejects, PAGE_ROWS)):
                fit = [reject for reject in page if can_go_back_as_it_is(reject)]
                claimed = _claim(connection, [reject.reject_id for reject in fit], again)
                _mark(connection, claimed)
                for reject in fit:
                    if reject.reject_id in claimed:
                        _outgoing_for(reject, outgoing, places, again_at).write(
                            unrepaired_line(reject, again_at)
                        )
                rows += len(claimed)
                before += len(fit) - len(claimed)
                not_as_they_are += len(page) - len(fit)
            files = tuple(file.deliver() for file in outgoing.values())
    finally:
        for file in outgoing.values():
            file.discard()
    return Replay(files, rows, before, not_as_they_are=not_as_they_are)


def _by_kind(
    rows: Iterable[RepairedRow], originals: Mapping[tuple[int, int], Reject]
) -> dict[tuple[str, str | None, str | None, str], list[RepairedRow]]:
    """The rows by the delimiter and the escape of quotes to write, by the path that must be kept, and by source."""
    found: dict[tuple[str, str | None, str | None, str], list[RepairedRow]] = {}
    for row in rows:
        of = originals[row.file_id, row.line_no]
        kind = of.delimiter_to_write, of.escape_to_write, of.path_to_keep, of.source
        found.setdefault(kind, []).append(row)
    return found


def _outgoing_for(
    reject: Reject, outgoing: dict[_Kind, Outgoing], places: Places | Path, again_at: str | None
) -> Outgoing:
    kind = reject.layout_id, reject.path_to_keep, reject.source
    if kind not in outgoing:
        suffix = ".csv" if reject.format == "csv" else ".jsonl"
        outgoing[kind] = Outgoing(_place(places, reject.source), reject.path_to_keep, suffix)
        outgoing[kind].write(unrepaired_header(reject, again_at))
    return outgoing[kind]


def _place(places: Places | Path, source: str) -> Path:
    """Where files of a source land, so that they are read by its mapping."""
    if isinstance(places, Path):
        places = {DEFAULT_SOURCE: places}
    if source not in places:
        raise SettingsError(
            f"rows of the source {source} cannot go back: no section of the sources' file is named so any more."
        )
    return places[source]


def _again_at(again: bool) -> str | None:
    """Content that was committed before is not read again, so a deliberate repetition must differ."""
    return datetime.now(UTC).isoformat(timespec="microseconds") if again else None


def _originals(connection: Connection, repaired: RepairedFile) -> dict[tuple[int, int], Reject]:
    """The rejected rows by file and line.

    Raises:
        ReplayFileError: a row is for a line that was not rejected.
    """
    lines = sorted({(row.file_id, row.line_no) for row in repaired.rows})
    found = {(reject.file_id, reject.line_no): reject for reject in read_rejects_at(connection, lines)}
    for file_id, line_no in lines:
        if (file_id, line_no) not in found:
            raise ReplayFileError(f"replay_of {file_id}:{line_no} names no rejected line of this database")
    return found


def _claim(connection: Connection, reject_ids: list[int], again: bool) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(statement("rejects.claim"), {"reject_ids": reject_ids, "again": again})
        return {reject_id for (reject_id,) in cursor}


def _mark(connection: Connection, reject_ids: Iterable[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement("rejects.mark_replayed"), {"reject_ids": sorted(reject_ids)})
