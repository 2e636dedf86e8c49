"""The worked examples of docs/own-data.md: refused without their mappings, and whole with them, as the page says."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_check_source import check_source

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLES = DOCS / "examples"


@pytest.mark.parametrize(
    ("name", "rows", "actions"),
    [
        ("visits", "rows (40): 40 become events, 0 are rejected", "view 31, add_to_cart 7, purchase 2"),
        ("orders", "rows (30): 30 become events, 0 are rejected", "purchase 28, remove_from_cart 2"),
        (
            "tracker",
            "rows (40): 40 become events, 0 are rejected",
            "view 21, Products Searched 7, add_to_cart 7, purchase 5",
        ),
    ],
)
def test_an_example_is_whole_with_its_mapping_and_not_without(
    tmp_path: Path, name: str, rows: str, actions: str
) -> None:
    assert check_source(tmp_path, EXAMPLES / name).returncode == 1
    found = check_source(tmp_path, EXAMPLES / name, EXAMPLES / f"{name}.toml")
    assert found.returncode == 0, found.stdout
    assert rows in found.stdout
    assert actions in found.stdout


def test_the_page_shows_the_mapping_that_is_used() -> None:
    assert (EXAMPLES / "orders.toml").read_text() in (DOCS / "own-data.md").read_text()
