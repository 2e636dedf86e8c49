"""`clickstream check-source` as people run it: what it says, its exit code, and that it writes nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "clickstream_assets.cli", "check-source"]
HEADER = "wann;was;kunde;besuch;ware\n"
MAPPING = """[columns]
wann = "event_time"
was = "action_type"
kunde = "user_id"
besuch = "session_id"
ware = "product_id"
[actions]
angesehen = "view"
[time]
format = "%s"
"""


def check_source(
    home: Path, directory: Path, mapping: Path | None = None, *options: str
) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CLICKSTREAM_")}
    environment["CLICKSTREAM_HOME"] = str(home)
    if mapping is not None:
        environment["CLICKSTREAM_SOURCE_MAPPING"] = str(mapping)
    return subprocess.run(
        [*COMMAND, str(directory), *options],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    directory = tmp_path / "shop"
    directory.mkdir()
    (directory / "a.csv").write_text(
        HEADER + "01.02.2026 10:00;angesehen;k1;b1;w1\n31.02.2026 10:00;view;k1;b1;w1\n"
    )
    return directory


def test_without_a_mapping_it_says_what_is_missing(tmp_path: Path, shop: Path) -> None:
    done = check_source(tmp_path / "home", shop)
    assert done.returncode == 1
    assert "not read at all: The first line, of 5 columns, names none of our fields." in done.stdout
    for field in ("user_id", "session_id", "action_type", "product_id", "event_time"):
        assert f"{field:<14} MISSING: name it in [columns] or [fields]" in done.stdout
    assert "--propose" in done.stdout


# A column beside ours, its value, and what is said of the price.
NEIGHBOURS = [
    ("amount_paid", "19.90", "none: stays empty   (is it amount_paid?)"),
    ("amount_paid", "much", "none: stays empty"),
    ("note", "19.90", "none: stays empty"),
    (
        "payload",
        '"{""money"": {""amount"": 1.5}}"',
        "none: stays empty   (is it amount, within payload?)",
    ),
]


@pytest.mark.parametrize(("column", "value", "said"), NEIGHBOURS)
def test_a_price_under_a_name_of_its_own_is_asked_about(
    tmp_path: Path, column: str, value: str, said: str
) -> None:
    """It would else be lost to `extra` without a word."""
    (tmp_path / "shop").mkdir()
    header = f"user_id,session_id,action_type,product_id,event_time,{column}\n"
    row = f"u,s,view,p,2026-03-01T10:00:00Z,{value}\n"
    (tmp_path / "shop" / "a.csv").write_text(header + row * 3)
    lines = check_source(tmp_path / "home", tmp_path / "shop").stdout.splitlines()
    (price,) = [line for line in lines if line.strip().startswith("price ")]
    assert price.split(maxsplit=1)[1] == said


def test_a_field_that_is_missing_may_be_a_column_of_another_name(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    header = "user_id,session_id,action_type,product_id,wann\n"
    (tmp_path / "shop" / "a.csv").write_text(header + "u,s,view,p,2026-03-01T10:00:00Z\n" * 3)
    said = check_source(tmp_path / "home", tmp_path / "shop").stdout
    assert "   (is it wann?)" in said


def test_with_a_mapping_it_says_what_would_become_of_the_rows_and_writes_nothing(
    tmp_path: Path, shop: Path
) -> None:
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(MAPPING % "%d.%m.%Y %H:%M")
    done = check_source(tmp_path / "home", shop, mapping)
    assert done.returncode == 1
    assert "user_id        kunde" in done.stdout
    assert "rows (2): 1 become events, 1 are rejected" in done.stdout
    assert "a.csv, line 3: '31.02.2026 10:00'" in done.stdout
    assert not (tmp_path / "home").exists()
    assert sorted(path.name for path in shop.iterdir()) == ["a.csv"]


def test_a_wrong_pattern_is_answered_with_a_sentence(tmp_path: Path, shop: Path) -> None:
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(MAPPING % "dd.MM.jjjj")
    done = check_source(tmp_path / "home", shop, mapping)
    assert done.returncode == 2
    assert "the format 'dd.MM.jjjj' has no %: write it in strptime's notation" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_empty_directory_is_answered_with_a_sentence(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    done = check_source(tmp_path / "home", empty)
    assert done.returncode == 2
    assert done.stderr == f"clickstream check-source: There are no files in {empty}: put one there.\n"


def test_a_mapping_is_proposed_and_the_rows_are_shown_with_it(tmp_path: Path, shop: Path) -> None:
    mapping, html = tmp_path / "proposed.toml", tmp_path / "check.html"
    done = check_source(
        tmp_path / "home", shop, None, "--propose", str(mapping), "--show", "--html", str(html)
    )
    assert done.returncode == 1
    assert f"{mapping} is written; with it:" in done.stdout
    assert "rows (2): 1 become events, 1 are rejected" in done.stdout
    assert "a.csv, line 2: an event" in done.stdout
    assert "│ event_time   2026-02-01 10:00:00.000000 UTC" in done.stdout
    assert "becomes an event" in html.read_text()
    again = check_source(tmp_path / "home", shop, mapping)
    assert "rows (2): 1 become events, 1 are rejected" in again.stdout
    refused = check_source(tmp_path / "home", shop, None, "--propose", str(mapping))
    assert refused.returncode == 2
    assert refused.stderr.endswith("is there already: name another file, or remove it.\n")
