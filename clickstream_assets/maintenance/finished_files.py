"""Finished files: those that are in the database for good leave the events directory, by rename or for ever.

It has the order of the steps, and what a crash between them leaves. The statement `finished_files.find` says which
files are finished; `file_moves` moves one.

A file is finished when the newest row of its path in the ledger is about exactly this inode, size and times, it is
committed (or repeats content that is), has been so for some hours, and Spark has committed its last batch as well.

Steps, for a group of files; each can be repeated:
1. Only into another file system: copy to `<archive>/.incoming`, flush, compare with the hash in the ledger. A full
   disk ends it here, and nothing has changed.
2. Rename into the hidden directory `.finished` of the events directory, and look whether it is the file that was
   meant: one that was replaced in that moment goes back under its name.
3. Note in the ledger when they were archived.
4. Move on into the archive, or delete.
What a crash leaves in `.finished` is taken up again by the next look.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from psycopg2.extensions import connection as Connection

from clickstream_assets.ledger.disk_view import ListedFile, list_event_files
from clickstream_assets.ledger.file_rows import array_literal
from clickstream_assets.ledger.sources_in_force import sources_in_force
from clickstream_assets.maintenance import file_moves
from clickstream_assets.maintenance.file_moves import FinishedFile, Holding
from clickstream_assets.settings import Settings
from clickstream_assets.sources.answering import answers
from clickstream_assets.sources.source import Source
from clickstream_assets.sql_files import statement
from clickstream_assets.text import printable

GROUP_FILES = 500  # noted in the ledger together
LOOKUP_FILES = 5_000  # looked up in the ledger with one query


@dataclass
class Tidied:
    """What became of the files. `problem` is one sentence, where something stood in the way."""

    archived: int = 0
    deleted: int = 0
    size_bytes: int = 0
    left: int = 0  # changed or replaced in that moment, or a link: they stay
    on_disk: int = 0  # before
    problem: str | None = None


def tidy_finished_files(connection: Connection, settings: Settings) -> Tidied:
    """Archive or delete what is finished, as each source says. The connection autocommits, and may write."""
    done = Tidied()
    for source in sources_in_force(connection, settings).sources:
        if source.is_default or answers(source.directory):
            _tidy(connection, source, settings, done)
        else:
            done.problem = f"{source.directory}, of the source {source.name}, does not answer: its files stay"
    return done


def _tidy(connection: Connection, source: Source, settings: Settings, done: Tidied) -> None:
    holding = Holding(source.directory)
    archive = source.archive_dir if source.finished_files == "archive" else None
    try:
        left_over = _left_over(connection, holding)
        if source.finished_files == "keep":
            _give_back(connection, holding, left_over)
            return
        if archive is not None:
            file_moves.prepare_archive(archive, settings.home)
        _complete(connection, holding, archive, left_over, done)
        listing = list_event_files(source.events_directory)
        done.on_disk += len(listing.files)
        for group in _groups(
            _finished(connection, source, settings.checkpoint_dir, listing.files), GROUP_FILES
        ):
            _take(connection, holding, archive, group, done)
    except OSError as error:
        done.problem = _problem(error)


def _take(
    connection: Connection,
    holding: Holding,
    archive: Path | None,
    group: Sequence[FinishedFile],
    done: Tidied,
) -> None:
    held = []
    copies = archive is not None and not file_moves.same_file_system(holding.root, archive)
    try:
        for file in group:
            try:
                if copies and archive and not file_moves.copy_in(holding.path_of(file), file, archive):
                    done.left += 1
                elif holding.take(file):
                    held.append(file)
                else:
                    done.left += 1
            except PermissionError as error:  # of this file or its directory: the others can go on
                done.left += 1
                done.problem = _problem(error)
    finally:  # where the disk is full, those before it are as good as they are
        _complete(connection, holding, archive, held, done)


def _complete(
    connection: Connection,
    holding: Holding,
    archive: Path | None,
    held: Sequence[FinishedFile],
    done: Tidied,
) -> None:
    """Steps 3 and 4."""
    _run(connection, "finished_files.mark_archived", held)
    for file in held:
        if archive is None:
            holding.delete(file)
            done.deleted += 1
        elif file_moves.move_in(holding.held_path(file), file, archive):
            done.archived += 1
        else:
            _give_back(connection, holding, [file])
            done.left += 1
            continue
        done.size_bytes += file.size_bytes
    if archive is not None:
        file_moves.flush_directories(archive, held)


def _give_back(connection: Connection, holding: Holding, left_over: Sequence[FinishedFile]) -> None:
    for file in left_over:
        holding.give_back(file)
    _run(connection, "finished_files.unmark_archived", left_over)


def _finished(
    connection: Connection, source: Source, checkpoint: Path, files: Sequence[ListedFile]
) -> Iterator[FinishedFile]:
    committed = _spark_committed(connection, checkpoint)
    for part in _groups(files, LOOKUP_FILES):
        columns = list(zip(*part, strict=True))
        parameters: dict[str, Any] = {
            name: array_literal(column)
            for name, column in zip(("paths", "inodes", "sizes", "modified", "changed"), columns, strict=True)
        }
        parameters |= {
            "seconds": source.finished_hours * 3600,
            "spark_committed": committed,
            "source": source.name,
        }
        with connection.cursor() as cursor:
            cursor.execute(statement("finished_files.find"), parameters)
            rows = cursor.fetchall()
        yield from (FinishedFile.of_row(row) for row in rows)


def _spark_committed(connection: Connection, checkpoint: Path) -> datetime | None:
    """Up to which commit of ours Spark has made its own as well.

    A batch begins after Spark has committed the one before. Of the newest, only Spark's own log tells; where that is
    elsewhere, its files wait for the next batch.
    """
    with connection.cursor() as cursor:
        cursor.execute(statement("finished_files.last_two_batches"))
        batches = cursor.fetchall()
    if not batches:
        return None
    query_id, spark_batch_id, committed_at = batches[0]
    try:
        same_query = json.loads((checkpoint / "metadata").read_text(encoding="utf-8"))["id"] == query_id
        done = (checkpoint / "commits" / str(spark_batch_id)).stat().st_size > 0
    except (OSError, ValueError, KeyError, TypeError):
        same_query = done = False
    if same_query and done:
        return committed_at
    return batches[1][2] if len(batches) > 1 else None


def _left_over(connection: Connection, holding: Holding) -> list[FinishedFile]:
    """What an interrupted run left. What the ledger does not know so, a restored one perhaps, is to be loaded again."""
    file_ids = holding.file_ids()
    with connection.cursor() as cursor:
        cursor.execute(statement("finished_files.by_id"), {"file_ids": file_ids})
        files = [file for file in map(FinishedFile.of_row, cursor) if holding.holds(file)]
    for file_id in set(file_ids) - {file.file_id for file in files}:
        holding.reveal(file_id)
    return files


def _run(connection: Connection, name: str, files: Sequence[FinishedFile]) -> None:
    if files:
        with connection.cursor() as cursor:
            cursor.execute(statement(name), {"file_ids": [file.file_id for file in files]})


def _groups(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    iterator = iter(items)
    while group := list(islice(iterator, size)):
        yield group


def _problem(error: OSError) -> str:
    place = error.filename
    if isinstance(place, bytes):
        place = place.decode("utf-8", "backslashreplace")
    return (
        f"{printable(place or 'the archive')} cannot be used ({error.strerror}): the files that are not archived yet "
        "stay, and are taken once there is room and the right to write"
    )
