"""The rooms of the house: which package may import which, how many modules one holds, and how they are drawn.

Modules at the top of a plane may be imported by all, and import no package themselves unless the table says so. Whoever
adds an import between packages adds it to the table, or finds that the code belongs elsewhere.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from scripts import package_graph

ROOT = Path(__file__).parents[2]
MOST_MODULES = 16
MOST_LINES = 250
TABLES = {
    "clickstream_assets/settings/fields.py"
}  # one field after the other: nobody reads it from end to end

# What each package, and each module at the top that needs packages, may import of its plane's packages.
MAY_IMPORT = {
    "clickstream_assets": {
        "alerts": {"ledger", "monitoring", "postgres", "supervision"},
        "assets": {
            "generator",
            "ledger",
            "lineage",
            "postgres",
            "report",
            "sources",
            "summaries",
            "supervision",
        },
        "checks": {
            "conservation",
            "ledger",
            "maintenance",
            "outages",
            "postgres",
            "sources",
            "summaries",
            "supervision",
        },
        "cli": {
            "conservation",
            "generator",
            "ledger",
            "maintenance",
            "monitoring",
            "outages",
            "postgres",
            "rejects",
            "second_reader",
            "sources",
            "supervision",
            "up",
            "values_audit",
        },
        "conservation": {"ledger"},
        "data_generator": {"generator"},
        "definitions": {"assets", "checks", "jobs", "postgres", "sensors", "supervision"},
        "jobs": {"ledger", "maintenance", "postgres", "rejects", "supervision"},
        "ledger": {"sources"},
        "lineage": {"postgres"},
        "maintenance": {"ledger", "outages", "postgres", "sources", "summaries", "up"},
        "monitoring": {"ledger", "outages", "postgres", "sources", "supervision"},
        "object_stores": {"outages", "sources"},
        "postgres": {"outages"},
        "rejects": {"second_reader"},
        "second_reader": {"outages"},
        "report": {"ledger"},
        "sensors": {
            "alerts",
            "assets",
            "checks",
            "ledger",
            "lineage",
            "postgres",
            "sources",
            "summaries",
            "supervision",
        },
        "summaries": {"ledger"},
        "supervision": {"ledger", "outages", "postgres"},
        "up": {"ledger", "monitoring", "outages", "postgres", "supervision"},
        "values_audit": {
            "conservation",
            "ledger",
            "maintenance",
            "object_stores",
            "outages",
            "second_reader",
            "sources",
        },
    },
    "spark": {
        "check_source": {"cleaning", "mapping", "sample"},
        "cleaning": {"mapping", "reading"},
        "content": {"mapping"},
        "discovery": {"content"},
        "handover": {"cleaning", "reading"},
        "inspection": {"cleaning", "content", "discovery", "mapping", "reading", "source"},
        "intake": {"content", "discovery", "inspection", "mapping", "objects", "reading"},
        "python_daemon": {"source"},
        "reading": {"content", "mapping"},
        "sample": {"cleaning", "content", "discovery", "inspection", "mapping", "reading"},
        "sink": {"cleaning", "content", "handover", "reading", "source"},
        "source": {"cleaning", "content", "handover", "mapping", "reading"},
        "spark_streaming_to_postgres": {"stream"},
        "stream": {"discovery", "handover", "intake", "mapping", "sink", "source"},
    },
}
# What the stream may use of the control plane: modules at its top that are plain.
SHARED = {
    "contract",
    "database",
    "database_url",
    "errors",
    "exits",
    "file_names",
    "fitness",
    "home",
    "java",
    "object_stores",
    "outages",
    "paths",
    "settings",
    "sources",
    "sql_files",
    "text",
}


@pytest.mark.parametrize("plane", package_graph.PLANES)
def test_a_package_imports_no_other_than_the_table_says(plane: str) -> None:
    for node, imported in package_graph.imports_within(plane).items():
        packages = {name.split(".")[1] for name in imported if package_graph.is_package(name)}
        allowed = MAY_IMPORT[plane].get(node.removeprefix(f"{plane}."), set())
        assert packages <= allowed, f"{node} imports {sorted(packages - allowed)}"


@pytest.mark.parametrize("plane", package_graph.PLANES)
def test_the_table_allows_nothing_that_nobody_needs(plane: str) -> None:
    graph = package_graph.imports_within(plane)
    for node, allowed in MAY_IMPORT[plane].items():
        packages = {name.split(".")[1] for name in graph[f"{plane}.{node}"]}
        assert allowed <= packages, f"{node} no longer imports {sorted(allowed - packages)}"


@pytest.mark.parametrize("plane", package_graph.PLANES)
def test_packages_do_not_import_each_other_in_a_circle(plane: str) -> None:
    assert package_graph.cycles(package_graph.imports_within(plane)) == set()


def test_a_circle_would_be_found() -> None:
    assert package_graph.cycles({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == {"b", "c"}


def test_the_stream_uses_of_the_control_plane_only_plain_modules_at_its_top() -> None:
    imported = set().union(*package_graph.imports_of_modules("spark").values())
    used = {package_graph.node_of(name) for name in imported if name.startswith("clickstream_assets.")}
    assert used == {f"clickstream_assets.{name}" for name in SHARED}


@pytest.mark.parametrize("top", [*package_graph.PLANES, "benchmarks", "docker", "scripts", "tests"])
def test_no_folder_is_a_corridor(top: str) -> None:
    files = [file.relative_to(ROOT) for file in (ROOT / top).rglob("*.py") if file.name != "__init__.py"]
    sizes = Counter(str(file.parent) for file in files if file.parent.name != "cli")  # one module per command
    assert sizes
    assert {folder: size for folder, size in sizes.items() if size > MOST_MODULES} == {}


def test_no_module_is_longer_than_one_reads_in_one_sitting() -> None:
    files = [file for plane in package_graph.PLANES for file in (ROOT / plane).rglob("*.py")]
    lines = {str(file.relative_to(ROOT)): len(file.read_text().splitlines()) for file in files}
    assert {name for name, length in lines.items() if length > MOST_LINES} == TABLES


def test_every_package_says_what_it_is_about() -> None:
    silent = [
        file.parent.name
        for plane in package_graph.PLANES
        for file in (ROOT / plane).rglob("__init__.py")
        if not file.read_text().startswith('"""')
    ]
    assert silent == []


def test_the_graph_in_the_documents_is_that_of_the_code() -> None:
    text = package_graph.DOCUMENT.read_text()
    assert package_graph.BEGIN in text
    assert package_graph.with_graph(text) == text
