"""Guards against replacing `on_new_rows` by `eager()`: that one loses updates (see `automation`)."""

import dagster as dg
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from clickstream_assets.assets.automation import on_new_rows

events = dg.AssetSpec("events")


@dg.asset(deps=["events"], automation_condition=on_new_rows)
def summary(context: dg.AssetExecutionContext) -> None:
    if context.run.tags.get("rows-arrive-meanwhile"):
        context.instance.report_runless_asset_event(dg.AssetMaterialization("events"))


DEFS = dg.Definitions(assets=[events, summary])
ALL = dg.AssetSelection.assets("events", "summary")


class Daemon:
    """The automation daemon by hand: reports rows, evaluates, and runs what was asked for."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self.cursor = None
        self.reported = 0
        self.summarised = 0

    def report_rows(self) -> None:
        self.instance.report_runless_asset_event(dg.AssetMaterialization("events"))
        self.reported += 1

    def tick(self, rows_arrive_meanwhile: bool = False) -> bool:
        """Evaluate once; the refresh that was asked for, if any, sees the rows reported before it began."""
        result = dg.evaluate_automation_conditions(DEFS, self.instance, ALL, cursor=self.cursor)
        self.cursor = result.cursor
        if result.total_requested:
            self.summarised = self.reported
            tags = {"rows-arrive-meanwhile": "yes"} if rows_arrive_meanwhile else None
            dg.materialize([events, summary], instance=self.instance, selection=["summary"], tags=tags)
            self.reported += rows_arrive_meanwhile
        return bool(result.total_requested)


def test_nothing_is_refreshed_before_the_first_rows() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        daemon = Daemon(instance)
        assert [daemon.tick() for _ in range(3)] == [False, False, False]


def test_rows_reported_before_the_first_tick_are_summarised() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        daemon = Daemon(instance)
        daemon.report_rows()
        assert [daemon.tick() for _ in range(3)] == [True, False, False]


def test_a_burst_of_new_rows_asks_for_one_refresh() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        daemon = Daemon(instance)
        daemon.tick()
        daemon.report_rows()
        daemon.report_rows()
        assert [daemon.tick() for _ in range(3)] == [True, False, False]


@hypothesis_settings(max_examples=15)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=6))
def test_no_update_is_lost_whenever_it_arrives(history: list[tuple[bool, bool]]) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        daemon = Daemon(instance)
        for rows_arrive, rows_arrive_meanwhile in history:
            if rows_arrive:
                daemon.report_rows()
            daemon.tick(rows_arrive_meanwhile)
        daemon.tick()
        daemon.tick()
        assert daemon.summarised == daemon.reported
