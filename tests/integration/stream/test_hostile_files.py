"""Files that no producer should write: each has its row with a reason, and never stops the stream."""

from __future__ import annotations

import gzip
import os
import socket
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stream_pipeline import HEADER, Pipeline, event
from two_readers import zstd

pytestmark = pytest.mark.spark

GOOD = HEADER.encode() + event(1).encode()
UNREADABLE = {
    "empty.csv": (b"", "empty_file"),
    "no_header.csv": (event(1).encode() * 2, "no_header"),
    "unknown_header.csv": (b"a,b,c\n1,2,3\n", "no_header"),
    "short_header.csv": (b"user_id,event_time\nu,2026-01-01T00:00:00Z\n", "missing_columns"),
    "utf16.csv": (GOOD.decode().encode("utf-16-le"), "not_text"),
    "truncated.csv.zst": (zstd(GOOD * 500)[:-2], "damaged_zstd"),
    "parquet.csv": (b"PAR1rest", "damaged_parquet"),
    "latin1_header.csv": ("ärger,user_id\n".encode("latin-1"), "not_text"),
    "truncated.csv.gz": (gzip.compress(GOOD * 500)[:-20], "damaged_gzip"),
    "text.csv.gz": (GOOD, "not_gzip"),
    "noise.csv": (os.urandom(5_000).replace(b"\n", b"\0"), None),
    "zip.csv": (b"PK\x03\x04rest", "unsupported_format"),
    "wide.csv": (b"c," * 30_000 + b"\n", None),
}


def test_every_unreadable_file_has_a_row_that_says_why_and_the_good_one_is_loaded(pipeline: Pipeline) -> None:
    for name, (data, _) in UNREADABLE.items():
        pipeline.write(name, data, b"")
    pipeline.write("header_only.csv", "")
    pipeline.write("good.csv", event(7))
    os.mkfifo(pipeline.root / "pipe.csv")
    (pipeline.root / "link.csv").symlink_to(pipeline.root / "nowhere.csv")
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(pipeline.root)  # a socket's path may not be long
        try:
            server.bind("socket.csv")
        finally:
            os.chdir(here)
        pipeline.load()
    found = {
        path: (status, reason)
        for path, status, reason in pipeline.rows("SELECT path, status, reason FROM ingest_files")
    }
    for name, (_, reason) in UNREADABLE.items():
        assert found[name][0] == "rejected", name
        assert found[name][1] == reason if reason else found[name][1], name
    assert found["good.csv"] == ("committed", None)
    assert found["header_only.csv"] == ("committed", None)
    assert found["pipe.csv"] == ("rejected", "not_a_file")
    assert found["socket.csv"] == ("rejected", "not_a_file")
    assert found["link.csv"] == ("rejected", "broken_link")
    assert pipeline.counts() == (1, 1, 0, 0)
    pipeline.assert_conserved()


def test_a_link_to_a_file_is_read_like_the_file_unless_it_leads_out_of_the_directory(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere.csv").write_bytes(GOOD)
    (pipeline.root / "outside.csv").symlink_to(tmp_path / "elsewhere.csv")
    pipeline.write("2026/a.csv", event(2))
    (pipeline.root / "inside.csv").symlink_to("2026/a.csv")
    pipeline.load()
    assert pipeline.counts() == (2, 1, 1, 0)
    assert pipeline.rows("SELECT path FROM ingest_files WHERE reason = 'link_outside'") == [("outside.csv",)]


PIECES = st.sampled_from(
    [event(number).encode() for number in range(4)]
    + [
        b'"',
        b",",
        b"\n",
        b"\r\n",
        b"\r",
        b"\0",
        b"\xff",
        b"\xef\xbb\xbf",
        b'""',
        b"\\.",
        b"\\N",
        "é".encode(),
        b" ",
        b"\t",
        b"0",
    ]
)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=st.lists(st.lists(PIECES, max_size=40), min_size=1, max_size=6))
def test_whatever_the_bytes_every_record_is_accounted_for(
    pipeline: Pipeline, files: list[list[bytes]]
) -> None:
    for number, pieces in enumerate(files):
        pipeline.write(f"{number}.csv", b"".join(pieces))
    pipeline.load()
    assert not pipeline.failures
    pipeline.assert_conserved()
    assert pipeline.rows("SELECT count(*)::int FROM ingest_chunks") == [(0,)]
