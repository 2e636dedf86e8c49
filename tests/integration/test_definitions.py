"""The definitions as Dagster loads them. Guards against a catalogue that differs from the tables."""

from pathlib import Path

import dagster as dg
import pytest
import yaml
from control_plane import ControlPlane
from dagster._core.instance.config import dagster_instance_config
from databases import run_sql

from clickstream_assets.assets import catalogue
from clickstream_assets.assets.catalogue import table_schema
from clickstream_assets.definitions import build_definitions, defs
from clickstream_assets.lineage.columns import COLUMN_SOURCES
from clickstream_assets.lineage.tables import table_comment
from clickstream_assets.paths import PROJECT_ROOT
from clickstream_assets.settings import Settings

SCHEDULES = ("audit_summaries_nightly", "daily_report_schedule")
SUMMARIES = {"sessions", "product_performance", "hourly_traffic", "conversion_funnel", "device_usage"}


def test_they_load_without_a_database() -> None:
    dg.Definitions.validate_loadable(build_definitions(Settings.from_env({})))


def test_workspace_yaml_names_the_module_that_loads() -> None:
    (entry,) = yaml.safe_load((PROJECT_ROOT / "workspace.yaml").read_text())["load_from"]
    assert entry["python_module"]["module_name"] == "clickstream_assets.definitions"
    assert isinstance(defs(), dg.Definitions)


def test_dagster_yaml_is_understood_whole() -> None:
    config, _ = dagster_instance_config(str(PROJECT_ROOT))
    assert config["telemetry"] == {"enabled": False}
    assert config["storage"]["custom"]["config"] == {
        "postgres_url": {"env": "CLICKSTREAM_DAGSTER_DATABASE_URL"}
    }


def test_the_graph_is_whole_and_every_sensor_runs_from_the_start() -> None:
    definitions = build_definitions(Settings.from_env({}))
    graph = definitions.resolve_asset_graph()
    names = {key.to_user_string() for key in graph.get_all_asset_keys()}
    assert names >= {"event_files", "events", "rejected_events", *SUMMARIES}
    assert all(graph.get(dg.AssetKey(name)).is_materializable for name in names - {"checks_reported"})
    sensors = definitions.resolve_sensor_def
    for name in ("spark_stream_supervisor", "ingest_progress", "event_check_results", "refresh_summaries"):
        assert sensors(name).default_status is dg.DefaultSensorStatus.RUNNING
    for name in SCHEDULES:
        assert definitions.resolve_schedule_def(name).default_status is dg.DefaultScheduleStatus.RUNNING


def test_every_asset_tells_who_and_what_it_is() -> None:
    graph = build_definitions(Settings.from_env({})).resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.description, key
        assert node.owners, key
        assert node.kinds, key
        assert node.group_name != "default", key


TABLES = """
    SELECT relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY relname"""
COLUMNS = """
    SELECT attname, format_type(atttypid, NULL), NOT attnotnull, col_description(attrelid, attnum)
    FROM pg_attribute WHERE attrelid = %(table)s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"""


def test_every_table_and_column_is_described_and_the_catalogue_says_the_same(control: ControlPlane) -> None:
    short = {"timestamp with time zone": "timestamptz"}
    url = control.database.owner_url
    tables = [str(table) for (table,) in run_sql(url, TABLES)]
    assert {"events", "ingest_files", *SUMMARIES} <= set(tables)
    for table in tables:
        assert run_sql(url, "SELECT obj_description(%(table)s::regclass)", {"table": table}) == [
            (table_comment(table),)
        ]
        assert [
            (column.name, column.type, column.constraints.nullable, column.description)
            for column in table_schema(table).columns
        ] == [
            (name, short.get(str(kind), kind), nullable, comment)
            for name, kind, nullable, comment in run_sql(url, COLUMNS, {"table": table})
        ], table


def test_every_column_of_the_lineage_is_one_of_the_catalogue() -> None:
    graph = build_definitions(Settings.from_env({})).resolve_asset_graph()
    columns = {
        key.to_user_string(): {column.name for column in schema.columns}
        for key in graph.get_all_asset_keys()
        if (schema := graph.get(key).metadata.get("dagster/column_schema")) is not None
    }
    for key in graph.get_all_asset_keys():
        if (lineage := graph.get(key).metadata.get("dagster/column_lineage")) is None:
            continue
        name = key.to_user_string()
        assert set(lineage.deps_by_column) <= columns[name]
        sources = [source for deps in lineage.deps_by_column.values() for source in deps]
        assert {source.asset_key for source in sources} <= graph.get(key).parent_keys, name
        for source in sources:
            assert source.column_name in columns[source.asset_key.to_user_string()], (name, source)


def test_what_a_summary_shows_comes_from_somewhere() -> None:
    for name in SUMMARIES:
        assert set(COLUMN_SOURCES[name]) == {column.name for column in table_schema(name).columns}


@pytest.mark.parametrize(
    ("variables", "table", "uri"),
    [
        ({}, "clickstream.public.events", None),
        (
            {"CLICKSTREAM_DATABASE_URL": "postgresql://me:secret@db.example:5433/shop?sslmode=require"},
            "shop.public.events",
            "postgres://db.example:5433/shop.public.events",
        ),
        (
            {"CLICKSTREAM_DATABASE_URL": "postgresql://me@h1,h2/shop"},
            "shop.public.events",
            "postgres://h1:5432/shop.public.events",
        ),
    ],
    ids=["embedded, never started", "external", "two hosts"],
)
def test_the_catalogue_says_where_the_data_is(
    variables: dict[str, str], table: str, uri: str | None, tmp_path: Path
) -> None:
    settings = Settings.from_env({"CLICKSTREAM_HOME": str(tmp_path / "a home"), **variables})
    graph = build_definitions(settings).resolve_asset_graph()
    metadata = graph.get(dg.AssetKey("events")).metadata
    assert metadata["dagster/table_name"] == table
    assert metadata.get("dagster/uri") == uri
    assert graph.get(dg.AssetKey("event_files")).metadata["dagster/uri"] == settings.events_dir.as_uri()
    shown = str([graph.get(key).metadata for key in graph.get_all_asset_keys()])
    assert "secret" not in shown


def test_links_lead_to_files_of_the_project() -> None:
    graph = build_definitions(Settings.from_env({})).resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        references = graph.get(key).metadata["dagster/code_references"].code_references
        assert references
        assert all(Path(reference.file_path).is_file() for reference in references), key


def test_the_version_of_the_code_changes_with_the_code_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue, "PROJECT_ROOT", tmp_path)
    monkeypatch.setattr(catalogue, "FILES_ROOT", tmp_path)
    (tmp_path / "a.sql").write_text("SELECT 1")
    first = catalogue.code_version("*.sql")
    (tmp_path / "b.py").write_text("1")
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "b.pyc").write_bytes(b"1")
    assert catalogue.code_version("*.sql") == first
    (tmp_path / "a.sql").write_text("SELECT 2")
    assert catalogue.code_version("*.sql") != first
    assert catalogue.code_version("*") == catalogue.code_version("*.sql", "*.py")


def test_a_password_is_in_no_representation_of_a_resource(control: ControlPlane) -> None:
    shown = repr(control.resource) + repr(control.program)
    assert "p%40ss" not in shown.replace(repr(control.settings), "")


def test_the_button_of_event_files_lands_files_as_configured(control: ControlPlane, tmp_path: Path) -> None:
    result = control.definitions.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=control.instance,
        asset_selection=[dg.AssetKey("event_files")],
        run_config={
            "ops": {"event_files": {"config": {"events": 200, "files": 2, "duplicates": 0.1, "seed": 7}}}
        },
    )
    (materialization,) = result.asset_materializations_for_node("event_files")
    facts = {name: value.value for name, value in materialization.metadata.items()}
    assert [facts[name] for name in ("files", "rows", "duplicates")] == [2, 200, 20]
    assert len([p for p in control.settings.events_dir.rglob("*.csv*") if not p.name.startswith(".")]) == 2


def test_impossible_shares_fail_with_the_generators_sentence(control: ControlPlane) -> None:
    result = control.definitions.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=control.instance,
        asset_selection=[dg.AssetKey("event_files")],
        run_config={"ops": {"event_files": {"config": {"duplicates": 3.0}}}},
        raise_on_error=False,
    )
    (event,) = [event for event in result.all_events if event.is_step_failure]
    assert "duplicates is 3" in str(event.step_failure_data.error)
