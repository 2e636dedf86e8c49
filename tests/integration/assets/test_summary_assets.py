"""The summaries as people meet them in Dagster: the launchpad's choices, the metadata, the catalogue.

Guards against one broken summary that takes the others down with it.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import dagster as dg
import pytest
from databases import Database, run_sql
from psycopg2.extensions import connection as Connection
from summary_data import Event, assert_exact, fetch, refresh_all, store_batch

from clickstream_assets.assets.catalogue import table_schema
from clickstream_assets.assets.summaries import refresh_summaries
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.settings import Settings
from clickstream_assets.summaries import refresh as summaries
from clickstream_assets.summaries.transaction import Transaction

JANUARY = datetime(2024, 1, 31, 23, 30, tzinfo=UTC)
FEBRUARY = JANUARY + timedelta(hours=1)


def materialize(
    database: Database, *names: str, raise_on_error: bool = True, **config: str
) -> dg.ExecuteInProcessResult:
    resource = Connections(Settings.from_env({}), urls={"writer": database.writer_url})
    with dg.DagsterInstance.ephemeral() as instance:
        return dg.materialize(
            [dg.AssetSpec("events"), refresh_summaries],
            instance=instance,
            selection=list(names or summaries.NAMES),
            resources={"database": resource},
            run_config={"ops": {"refresh_summaries": {"config": config}}},
            raise_on_error=raise_on_error,
        )


def metadata(result: dg.ExecuteInProcessResult, name: str) -> dict[str, Any]:
    found = result.asset_materializations_for_node("refresh_summaries")
    (one,) = [materialization for materialization in found if materialization.asset_key == dg.AssetKey(name)]
    return {key: value.value for key, value in one.metadata.items()}


def failure_text(result: dg.ExecuteInProcessResult) -> str:
    (event,) = [event for event in result.all_node_events if event.is_step_failure]
    return str(event.step_failure_data.error)


def test_one_step_refreshes_all_and_says_what_it_did(database: Database, writer: Connection) -> None:
    store_batch(writer, [Event(JANUARY, "s1"), Event(FEBRUARY, "s2", "purchase", Decimal("12.50"), "p|2")])
    result = materialize(database)
    assert_exact(writer)
    done = metadata(result, "product_performance")
    assert {key: value for key, value in done.items() if key not in ("preview", "seconds")} == {
        "dagster/row_count": 2,
        "mode": "incremental",
        "batches": 1,
        "through_batch": 1,
        "events": 2,
        "events_gone": 0,
        "groups": 2,
    }
    assert "p\\|2" in done["preview"]
    assert "12.50" in metadata(result, "sessions")["preview"]
    assert {name: metadata(result, name)["dagster/row_count"] for name in summaries.NAMES} == {
        "user_agents": 0,
        "sessions": 2,
        "product_performance": 2,
        "hourly_traffic": 2,
        "conversion_funnel": 2,
        "device_usage": 2,
    }


def test_only_what_is_chosen_is_refreshed(database: Database, writer: Connection) -> None:
    store_batch(writer, [Event(JANUARY)])
    materialize(database, "hourly_traffic")
    assert {name for name, batches in summaries.lag(writer).items() if not batches} == {"hourly_traffic"}


def test_a_rebuild_is_a_choice_in_the_launchpad(database: Database, writer: Connection) -> None:
    store_batch(writer, [Event(JANUARY), Event(FEBRUARY)])
    refresh_all(writer)
    run_sql(database.owner_url, "UPDATE hourly_traffic SET revenue = 99")
    result = materialize(database, mode="rebuild", day="2024-02-01")
    assert fetch(writer, "SELECT hour::date FROM hourly_traffic WHERE revenue = 99") == [(date(2024, 1, 31),)]
    assert (metadata(result, "sessions")["mode"], metadata(result, "user_agents")["mode"]) == (
        "day",
        "incremental",
    )
    result = materialize(database, mode="rebuild")
    assert metadata(result, "hourly_traffic")["mode"] == "rebuild"
    assert_exact(writer)


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"day": "2024-02-01"}, "Nothing was refreshed: the day 2024-02-01 was given without mode: rebuild."),
        (
            {"mode": "rebuild", "day": "yesterday"},
            "the day is 'yesterday': give it as YYYY-MM-DD.",
        ),
    ],
)
def test_a_wrong_choice_is_answered_with_a_sentence(
    database: Database, config: dict[str, str], sentence: str
) -> None:
    result = materialize(database, raise_on_error=False, **config)
    assert not result.success
    assert sentence in failure_text(result)


def test_a_summary_that_fails_does_not_hold_up_the_others(database: Database, writer: Connection) -> None:
    store_batch(writer, [Event(JANUARY)])
    run_sql(
        database.owner_url,
        "UPDATE summary_state SET through_batch_id = 7 WHERE summary = 'product_performance'",
    )
    result = materialize(database, raise_on_error=False)
    assert not result.success
    assert "Not refreshed: product_performance: " in failure_text(result)
    assert {name for name, batches in summaries.lag(writer).items() if not batches} == {*summaries.NAMES} - {
        "product_performance"
    }


def test_a_rebuild_that_is_cancelled_half_way_leaves_everything_as_it_was(
    database: Database, writer: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_batch(writer, [Event(JANUARY), Event(FEBRUARY)])
    refresh_all(writer)
    before = {name: fetch(writer, f"SELECT * FROM {name} ORDER BY 1, 2") for name in summaries.NAMES}
    records = fetch(writer, "SELECT * FROM summary_state ORDER BY summary")
    record = Transaction.record

    attempts = []

    def cancelled(*_: object) -> None:  # as a run that was terminated: after the work, before its record
        attempts.append(1)
        raise dg.DagsterExecutionInterruptedError

    monkeypatch.setattr(Transaction, "record", cancelled)
    result = materialize(database, raise_on_error=False, mode="rebuild")
    assert "Cancelled. What was being refreshed is as it was" in failure_text(result)
    assert len(attempts) == 1, "a retry policy would begin it anew"
    after = {name: fetch(writer, f"SELECT * FROM {name} ORDER BY 1, 2") for name in summaries.NAMES}
    assert after == before
    assert fetch(writer, "SELECT * FROM summary_state ORDER BY summary") == records
    monkeypatch.setattr(Transaction, "record", record)
    materialize(database, mode="rebuild")
    assert_exact(writer)


@pytest.mark.parametrize("name", summaries.NAMES)
def test_the_catalogue_shows_the_columns_that_the_table_has(database: Database, name: str) -> None:
    columns = run_sql(
        database.reader_url,
        "SELECT attname, format_type(atttypid, atttypmod), col_description(attrelid, attnum) FROM pg_attribute "
        "WHERE attrelid = %(name)s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        {"name": name},
    )
    assert [
        (column.name, column.type.replace("timestamptz", "timestamp with time zone"), column.description)
        for column in table_schema(name).columns
    ] == columns
    assert all(description for _, _, description in columns)
