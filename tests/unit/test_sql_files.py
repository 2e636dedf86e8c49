"""The SQL files: every statement is used, every use is found by a search for its name, and no SQL stands in Python."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from clickstream_assets.paths import SQL_DIR
from clickstream_assets.sql_files import statement, statements

ROOT = Path(__file__).parents[2]
FILES = sorted(file for folder in ("queries", "summaries") for file in (SQL_DIR / folder).iterdir())
MODULES = sorted(file for plane in ("clickstream_assets", "spark") for file in (ROOT / plane).rglob("*.py"))
RUNS_SQL = {"execute", "executemany", "copy_expert", "mogrify", "SQL", "statement", "rows", "value"}


def calls(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """The name of each function that is called, and its first argument."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            yield name, node.args[0]


def literals(tree: ast.Module) -> set[str]:
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


TREES = {str(file.relative_to(ROOT)): ast.parse(file.read_text()) for file in MODULES}
NAMED = {name for file in FILES for name in statements(file.stem)}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_of_statements_says_what_it_is_about_and_names_each_once(file: Path) -> None:
    text = file.read_text()
    assert text.startswith("-- ")
    assert not text.startswith("-- name:")
    names = [line.split()[2] for line in text.splitlines() if line.startswith("-- name:")]
    assert names == list(statements(file.stem))
    assert all(name.startswith(f"{file.stem}.") for name in names)
    assert [name for name in names if not statement(name).endswith(";")] == []


def test_every_statement_is_used_by_its_full_name() -> None:
    assert NAMED - set().union(*map(literals, TREES.values())) == set()


@pytest.mark.parametrize("module", TREES)
def test_every_statement_that_a_module_names_exists(module: str) -> None:
    topics = "|".join(file.stem for file in FILES)
    looks_like_one = re.compile(rf"({topics})\.[a-z_]+")
    beside = {file.name for file in (ROOT / module).parent.iterdir()}  # such as report.css
    assert {text for text in literals(TREES[module]) - beside if looks_like_one.fullmatch(text)} <= NAMED
    asked = {
        first.value
        for name, first in calls(TREES[module])
        if name == "statement" and isinstance(first, ast.Constant)
    }
    assert asked <= NAMED


@pytest.mark.parametrize("module", TREES)
def test_a_module_holds_no_sql_and_builds_no_name_of_a_statement(module: str) -> None:
    for name, first in calls(TREES[module]):
        if name in RUNS_SQL:
            assert not isinstance(first, (ast.JoinedStr, ast.BinOp)), f"{name}({ast.unparse(first)})"
        if name in RUNS_SQL and isinstance(first, ast.Constant) and isinstance(first.value, str):
            has_words = re.search(r"[a-z]", re.sub(r"{[a-z_]*}", "", first.value), re.IGNORECASE)
            assert first.value in NAMED or not has_words, f"{name}({first.value!r})"


@pytest.mark.parametrize("name", ["lease.nothing", "nothing.take", "migrations.take", "take"])
def test_a_statement_that_does_not_exist_is_an_error(name: str) -> None:
    with pytest.raises(LookupError):
        statement(name)


def test_a_statement_is_the_text_below_its_name_without_that_line() -> None:
    assert statement("savepoint.set") == "SAVEPOINT before;"
