"""Inspection of files: what can be read, what cannot and why, and how a large one is cut."""

from __future__ import annotations

import gzip
import hashlib
import os
from pathlib import Path

import pytest

from spark.content import ContentChanged
from spark.inspection import inspect_file

HEADER = b"user_id,session_id,action_type,product_id,event_time\n"
ROW = b"u,s,view,p,2026-01-01T00:00:00Z\n"


def write(path: Path, data: bytes) -> bytes:
    path.write_bytes(data)
    return os.fsencode(path)


@pytest.mark.parametrize(
    ("data", "records"),
    [
        (HEADER + ROW * 3, 3),
        (HEADER + ROW * 2 + ROW.strip(), 3),
        (b"\xef\xbb\xbf" + HEADER + ROW, 1),
        (HEADER.replace(b"\n", b"\r\n") + ROW.replace(b"\n", b"\r\n"), 1),
        (HEADER + b"\n\n" + ROW + b"\n", 1),
        (HEADER, 0),
        (HEADER.strip(), 0),
        (gzip.compress(HEADER + ROW * 3, mtime=0), 3),
        (gzip.compress(HEADER + ROW, mtime=0) + gzip.compress(ROW, mtime=0), 2),
    ],
)
def test_readable_files_are_counted(tmp_path: Path, data: bytes, records: int) -> None:
    found = inspect_file(write(tmp_path / "f.csv", data))
    assert (found.reason, found.records) == (None, records)
    assert found.content_hash == hashlib.sha256(data).digest()


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("empty.csv", b"", "empty_file"),
        ("cut.csv.gz", gzip.compress(HEADER + ROW * 1000, mtime=0)[:-12], "damaged_gzip"),
        ("fake.csv.gz", HEADER + ROW, "not_gzip"),
        ("broken.csv.gz", b"\x1f\x8b" + b"not at all", "damaged_gzip"),
        ("trailing.csv.gz", gzip.compress(HEADER + ROW, mtime=0) + b"garbage", "damaged_gzip"),
        ("utf16.csv", (HEADER + ROW).decode().encode("utf-16"), "unsupported_format"),
        ("archive.csv", b"PK\x03\x04 zip", "unsupported_format"),
        ("headless.csv", ROW * 3, "no_header"),
        ("binary.csv", bytes(range(256)) * 4, "not_text"),
    ],
)
def test_files_that_cannot_be_read_say_why(tmp_path: Path, name: str, data: bytes, reason: str) -> None:
    assert inspect_file(write(tmp_path / name, data)).reason == reason


def test_a_large_file_is_cut_at_records_into_chunks_that_cover_it(tmp_path: Path) -> None:
    body = b"".join(b"u%d,s,view,p,2026-01-01T00:00:00Z\n" % number for number in range(900_000))
    found = inspect_file(write(tmp_path / "large.csv", HEADER + body), chunk_bytes=8 << 20)
    assert len(found.chunks) > 2
    assert found.records == 900_000
    end, line = len(HEADER), 2
    for chunk in found.chunks:
        assert (chunk.byte_offset, chunk.first_line) == (end, line)
        assert (HEADER + body)[chunk.byte_offset - 1 : chunk.byte_offset] == b"\n"
        end, line = end + chunk.byte_length, line + chunk.records
    assert end == len(HEADER + body)


def test_a_file_that_vanished_is_looked_at_again_later(tmp_path: Path) -> None:
    with pytest.raises(ContentChanged):
        inspect_file(os.fsencode(tmp_path / "gone.csv"))


def test_a_pipe_is_refused_and_does_not_block(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    from spark.content import ContentError

    with pytest.raises(ContentError) as caught:
        inspect_file(os.fsencode(pipe))
    assert caught.value.reason == "not_a_file"
