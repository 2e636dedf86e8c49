"""`clickstream verify` as a command: what it prints, what it exits with, and that it says what it did not see."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from databases import Database, RunningServer
from shop_by_hand import Shop

from clickstream_assets.cli.__main__ import clickstream


@pytest.fixture
def shop(
    database: Database, postgres_server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Shop:
    """A shop on which the command works."""
    shop = Shop(database, tmp_path)
    monkeypatch.setenv("CLICKSTREAM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CLICKSTREAM_EVENTS_DIR", str(shop.root))
    monkeypatch.setenv("CLICKSTREAM_ARCHIVE_DIR", str(shop.archive))
    monkeypatch.setenv("CLICKSTREAM_DATABASE_URL", database.owner_url)
    monkeypatch.setenv("CLICKSTREAM_READER_PASSWORD", postgres_server.password)
    return shop


def run(*arguments: str) -> Result:
    return CliRunner().invoke(clickstream, ["verify", *arguments], catch_exceptions=False)


def test_without_values_it_says_that_values_were_not_looked_at(shop: Shop) -> None:
    result = run()
    assert (result.exit_code, result.stderr) == (0, "")
    assert "Not seen:\n  what the stored values are: `clickstream verify --values`" in result.stdout


def test_with_values_it_says_what_it_compared_and_what_it_could_not(shop: Shop) -> None:
    (shop.root / "two.csv.gz").unlink()
    shop.books.add_file("noise.gz", status="rejected", reason="not_gzip")
    result = run("--values")
    assert result.exit_code == 0
    assert "Values hold: 5 rows of 1 files (2 events, 1 rejects, 2 duplicates;" in result.stdout
    assert "rows a second) are stored as the files have them." in result.stdout
    assert "  1 files refused as a whole: nothing of them is stored." in result.stdout
    assert (
        "  1 files with 2 rows whose files are neither where they landed nor in the archive." in result.stdout
    )
    assert "what the stored values are" not in result.stdout


def test_a_value_that_differs_is_named_and_the_command_fails(shop: Shop) -> None:
    assert run("--values").exit_code == 0
    shop.sql("UPDATE events SET user_id = E'\\x1b[2J' WHERE file_id = 2 AND line_no = 2")
    result = run("--values")
    assert result.exit_code == 1
    assert "Conservation holds" in result.stdout
    assert (
        "  value_differs   file 2 (two.csv.gz), line 2: user_id is \\x1b[2J in the table, but u3 in the file"
        in result.stdout
    )
    assert "rows that were loaded by others may differ for that" in result.stdout


def test_json_is_all_that_is_on_standard_output(shop: Shop) -> None:
    (shop.root / "one.csv").write_text("another file")
    shop.sql("UPDATE events SET user_id = 'x' WHERE file_id = 2 AND line_no = 2")
    result = run("--values", "--json")
    content = json.loads(result.stdout)
    assert (result.exit_code, content["ok"], content["offences"]) == (1, False, [])
    values = content["values"]
    assert (values["ok"], values["files"], values["rows"], values["offence_count"]) == (False, 1, 2, 1)
    assert values["cannot_be_compared"] == [{"finding": "changed", "path": "one.csv"}]
    offence = values["offences"][0]
    assert {name: offence[name] for name in ("path", "line_no", "field", "stored", "in_file")} == {
        "path": "two.csv.gz", "line_no": 2, "field": "user_id", "stored": "x", "in_file": "u3",
    }  # fmt: skip
    assert {(blind["what"], blind["files"], blind["rows"]) for blind in content["not_seen"]} == {
        ("file_changed", 1, 5),
    }


def test_a_sample_says_how_much_it_left_out(shop: Shop) -> None:
    result = run("--values", "--sample", "3")
    assert result.exit_code == 0
    assert "Values hold: 3 rows" in result.stdout
    assert "  4 rows not in the sample." in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("--sample", "5"), "give both"), (("--values", "--sample", "0"), "is not in the range")],
)
@pytest.mark.usefixtures("shop")
def test_a_wrong_option_is_one_sentence(arguments: tuple[str, ...], message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
