"""Inspection of files: what can be read, what cannot and why, and how a large one is cut."""

from __future__ import annotations

import gzip
import hashlib
import os
from pathlib import Path

import pytest
from two_readers import zstd

from spark.content.chunk_hash import ChunkHash
from spark.content.content import Content
from spark.content.errors import ContentChanged, ContentError
from spark.inspection.inspecting import inspect_file
from spark.inspection.inspection import Inspection
from spark.mapping.mapping_file import mapping_of

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
        (zstd(HEADER + ROW * 3), 3),
        (zstd(HEADER + ROW) + b"\x50\x2a\x4d\x18\x01\0\0\0?" + zstd(ROW), 2),
        (b"\x50\x2a\x4d\x18\x01\0\0\0?" + zstd(HEADER + ROW), 1),
        ((HEADER + ROW * 3).decode().encode("utf-16"), 3),
        (gzip.compress((HEADER + ROW * 3).decode("utf-8").encode("utf-16"), mtime=0), 3),
        (b"\xfe\xff" + (HEADER + ROW * 3).decode().encode("utf-16-be"), 3),
        ((HEADER + ROW * 3).decode().encode("utf-32"), 3),
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
        ("cut.csv.zst", zstd(HEADER + ROW * 1000)[:-3], "damaged_zstd"),
        ("fake.csv.zst", HEADER + ROW, "not_zstd"),
        ("broken.csv.zst", b"\x28\xb5\x2f\xfd" + b"not at all", "damaged_zstd"),
        ("trailing.csv.zst", zstd(HEADER + ROW) + b"garbage", "damaged_zstd"),
        ("utf16.csv", (HEADER + ROW).decode().encode("utf-16-le"), "not_text"),
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


DIALECTS = [
    ([r'"Say \"hi\""', r'"{\"a\":1}"', "plain", '""'], "\\"),
    ([r'"Say \"hi\""', '"a""b"'], None),
    ([r'"Say \"hi\""', '"C:\\dir\\"'], None),
    (['"C:\\dir\\"', "x"], None),
    (['"a""b"', "x"], None),
    ([r'"Say \"hi\"" broken, too many, fields', r'"Say \"hi\""'], "\\"),
    ([r'"two \"', r'lines\" of it"', r'"Say \"hi\""'], "\\"),
    ([r'"broken \"hi', r'"Say \"hi\""'], "\\"),
    (["plain"], None),
]


@pytest.mark.parametrize(("values", "escape"), DIALECTS)
@pytest.mark.parametrize("compress", [False, True])
def test_the_dialect_is_that_of_all_records_that_show_one(
    tmp_path: Path, values: list[str], escape: str | None, compress: bool
) -> None:
    rows = "".join(f"{value},s,view,p,2026-01-01T00:00:00Z\n" for value in values)
    data = HEADER + rows.replace('\\",s,view,p,2026-01-01T00:00:00Z\nlines', '\\"\nlines').encode() + ROW * 5
    found = inspect_file(write(tmp_path / "f.csv", gzip.compress(data, mtime=0) if compress else data))
    assert found.layout is not None
    assert found.layout.escape == escape
    assert sum(chunk.records for chunk in found.chunks) == found.records > 0


def test_a_mapping_names_the_dialect(tmp_path: Path) -> None:
    path = write(tmp_path / "f.csv", HEADER + rb'"a\"b",s,view,p,t' + b"\n")
    forms = ({"escape": "backslash"}, {"escape": "none"}, {})
    found = [inspect_file(path, mapping_of({"format": form}, "m.toml")).layout for form in forms]
    assert [layout and layout.escape for layout in found] == ["\\", '"', "\\"]


def test_a_multi_line_value_with_escaped_quotes_is_one_record_and_is_not_cut(tmp_path: Path) -> None:
    row = b'"say \\"hi\\",\nand \\"bye\\"",s,view,p,2026-01-01T00:00:00Z\n'
    found = inspect_file(write(tmp_path / "f.csv", HEADER + row * 300_000), chunk_bytes=2 << 20)
    assert found.layout is not None
    assert (found.layout.escape, found.records) == ("\\", 300_000)
    assert len(found.chunks) > 2
    assert {(chunk.byte_offset - len(HEADER)) % len(row) for chunk in found.chunks} == {0}
    assert {chunk.first_line % 2 for chunk in found.chunks} == {0}


@pytest.mark.parametrize("compress", [False, True])
def test_a_dialect_that_shows_late_is_found_too(tmp_path: Path, compress: bool) -> None:
    data = HEADER + ROW * 300_000 + b'"two \\"\nlines\\"",s,view,p,2026-01-01T00:00:00Z\n' + ROW
    found = inspect_file(write(tmp_path / "f.csv", gzip.compress(data, 1, mtime=0) if compress else data))
    assert found.layout is not None
    assert (found.layout.escape, found.records) == ("\\", 300_002)
    assert found.content_hash == hashlib.sha256((tmp_path / "f.csv").read_bytes()).digest()


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("chunk_bytes", [1, 1 << 20, 1 << 30])
def test_a_chunk_read_again_has_its_hash_unless_a_byte_of_it_or_of_the_header_changed(
    tmp_path: Path, compress: bool, chunk_bytes: int
) -> None:
    data = b"\n" + HEADER + ROW * 300_000 + b"\n" + ROW.strip()
    path = write(tmp_path / "f.csv", gzip.compress(data, 1, mtime=0) if compress else data)
    found = inspect_file(path, chunk_bytes=chunk_bytes)
    assert found.header_bytes == len(b"\n" + HEADER)
    assert len(found.chunks) == (1 if compress else {1: 4, 1 << 20: 3, 1 << 30: 1}[chunk_bytes])
    assert [read_again(path, found, number) for number in range(len(found.chunks))] == [True] * len(
        found.chunks
    )
    for position, changed in ((3, range(len(found.chunks))), (len(data) - 3, [len(found.chunks) - 1])):
        other = data[:position] + b"~" + data[position + 1 :]
        write(tmp_path / "f.csv", gzip.compress(other, 1, mtime=0) if compress else other)
        again = [read_again(path, found, number) for number in range(len(found.chunks))]
        assert [number for number, same in enumerate(again) if not same] == list(changed)


def read_again(path: bytes, found: Inspection, number: int) -> bool:
    """Whether a chunk has the bytes that intake saw, told as a task tells it."""
    chunk = found.chunks[number]
    with Content(path) as content:
        digest = ChunkHash(content.head(found.compression, found.header_bytes))
        blocks = content.text_blocks(found.compression, chunk.byte_offset, chunk.byte_length)
        assert sum(len(block) for block in digest.through(blocks)) == chunk.byte_length
    return digest.value() == chunk.content_hash


@pytest.mark.parametrize(
    ("data", "is_unterminated"),
    [
        (HEADER + ROW, False),
        (HEADER + ROW.strip(), True),
        (HEADER + b"u,s,view,p,", True),
        (HEADER, False),
        (HEADER.strip(), True),
        (gzip.compress(HEADER + ROW, mtime=0), False),
        (gzip.compress(HEADER + ROW.strip(), mtime=0), True),
        (gzip.compress(HEADER + ROW * 1000, mtime=0)[:-12], True),
        (gzip.compress(HEADER + ROW, mtime=0) + b"garbage", False),
        (b"x" * 3_000_000, False),
    ],
)
def test_a_last_line_without_an_end_is_noted(tmp_path: Path, data: bytes, is_unterminated: bool) -> None:
    assert inspect_file(write(tmp_path / "f.csv", data)).is_unterminated == is_unterminated


def test_a_link_out_of_the_directory_is_refused_unless_it_may_lead_there(tmp_path: Path) -> None:
    events = tmp_path / "events"
    (events / "sub").mkdir(parents=True)
    write(tmp_path / "outside.csv", HEADER + ROW)
    (events / "outside.csv").symlink_to(tmp_path / "outside.csv")
    write(events / "sub" / "a.csv", HEADER + ROW)
    (events / "inside.csv").symlink_to(events / "sub" / "a.csv")
    root = os.fsencode(events)
    assert inspect_file(os.path.join(root, b"inside.csv"), within=root).records == 1
    assert inspect_file(os.path.join(root, b"outside.csv")).records == 1
    with pytest.raises(ContentError) as caught:
        inspect_file(os.path.join(root, b"outside.csv"), within=root)
    assert caught.value.reason == "link_outside"


def test_a_file_that_vanished_is_looked_at_again_later(tmp_path: Path) -> None:
    with pytest.raises(ContentChanged):
        inspect_file(os.fsencode(tmp_path / "gone.csv"))


def test_a_pipe_is_refused_and_does_not_block(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    with pytest.raises(ContentError) as caught:
        inspect_file(os.fsencode(pipe))
    assert caught.value.reason == "not_a_file"
