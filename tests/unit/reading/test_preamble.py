"""What stands in front of a header costs no row, and no line its true number."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from spark.inspection.inspecting import inspect_file
from spark.reading.preamble import take_preamble

HEADER = b"user_id;session_id;action_type;product_id;event_time\n"
ROW = b"u;s;view;p;2026-01-01T00:00:00Z\n"


@pytest.mark.parametrize(
    ("front", "delimiter"),
    [
        (b"", None),
        (b"\n\r\n  \t\n", None),
        (b"sep=;\n", ";"),
        (b"\xef\xbb\xbfsep=;\r\n", ";"),
        (b'"SEP=;"\n\n', ";"),
        (b"\nsep=\\t\n", "\t"),
        (b"sep=\t\n", "\t"),
        (b"sep=^\n", None),
        (b"\xef\xbb\xbf\n\xe2\x80\x8b\n", None),
        (b';;;;\n"","",\n', None),
    ],
)
@pytest.mark.parametrize("block", [1, 7, 1000])
def test_a_header_is_found_behind_it(front: bytes, delimiter: str | None, block: int) -> None:
    data = front + HEADER + ROW
    found, rest = take_preamble(iter(data[start : start + block] for start in range(0, len(data), block)))
    assert (found.header, found.delimiter, found.content) == (HEADER, delimiter, front + HEADER)
    assert found.next_line == front.count(b"\n") + 2
    assert b"".join(rest) == ROW


@pytest.mark.parametrize("data", [b"", b"\n\n", b"sep=;", b"sep=;\n", b"x", b"\n" * 200_000, b"y" * 200_000])
def test_a_file_without_a_header_is_taken_as_far_as_it_goes(data: bytes) -> None:
    found, rest = take_preamble(iter([data]))
    assert found.content + b"".join(rest) == data
    assert found.content.endswith(found.header)


def test_the_records_behind_it_have_their_physical_line_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbfsep=;\n\n\n" + HEADER + b"\n" + ROW * 40)
    found = inspect_file(os.fsencode(path), chunk_bytes=100)
    assert found.layout is not None
    assert found.layout.delimiter == ";"
    assert (found.records, found.chunks[0].first_line) == (40, 5)
    assert found.header_bytes == found.chunks[0].byte_offset == len(b"\xef\xbb\xbfsep=;\n\n\n" + HEADER)
