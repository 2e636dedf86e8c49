"""Which names are read: one rule for the stream and for the looks at the directory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream_assets.file_names import is_ignored, leads_outside, ledger_path


@pytest.mark.parametrize(
    "name",
    [
        ".x",
        "_x",
        "x.part",
        "x.PARTIAL",
        "x.filepart",
        "x.csv.tmp",
        "x.Temp",
        "x.crdownload",
        "x.download",
        ".x.swp",
        "x.swp",
        "x.csv~",
        "x.csv.part",
        "x.gz.TMP",
        ".part",
    ],
)
def test_unfinished_names_are_not_read(name: str) -> None:
    assert is_ignored(name)
    assert is_ignored(os.fsencode(name))


@pytest.mark.parametrize(
    "name", ["x.csv", "x.part.csv", "x.csv.part.gz", "part", "tmp.csv", "~x.csv", "x._csv", "x.parts"]
)
def test_other_names_are(name: str) -> None:
    assert not is_ignored(name)


@given(st.binary(min_size=1, max_size=12).filter(lambda name: not {0, 47} & set(name)))
def test_a_name_is_the_same_as_bytes_and_as_text(name: bytes) -> None:
    assert is_ignored(name) == is_ignored(os.fsdecode(name))
    assert ledger_path(name) == ledger_path(os.fsdecode(name))


def test_a_name_that_is_no_utf8_is_shown_with_its_bytes() -> None:
    assert ledger_path(b"a\xff.csv") == "a\\xff.csv"


def test_a_link_leads_outside_by_where_it_ends(tmp_path: Path) -> None:
    events, outside = tmp_path / "events", tmp_path / "events of others"
    (events / "sub").mkdir(parents=True)
    outside.mkdir()
    for place in (events / "sub" / "a.csv", outside / "a.csv"):
        place.touch()
    links = {
        "inside": (events / "sub" / "a.csv", False),
        "relative": (Path("sub/a.csv"), False),
        "outside": (outside / "a.csv", True),
        "in two steps": (events / "outside", True),
        "upwards": (Path("../events of others/a.csv"), True),
        "nowhere": (tmp_path / "gone", False),
    }
    for name, (target, leads_out) in links.items():
        (events / name).symlink_to(target)
        if name != "in two steps":
            assert leads_outside(os.fsencode(events / name), os.fsencode(events)) == leads_out, name
    assert leads_outside(os.fsencode(events / "in two steps"), os.fsencode(events))
    (tmp_path / "link to events").symlink_to(events)
    assert not leads_outside(os.fsencode(events / "inside"), os.fsencode(tmp_path / "link to events"))
