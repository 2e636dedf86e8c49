"""Guards against conditions that watch each summary's own upstream only: one refresh would become three runs."""

from collections.abc import Iterator

import dagster as dg
import pytest

from clickstream_assets.assets.automation import on_new_rows
from clickstream_assets.summaries import refresh as summaries
from clickstream_assets.summaries.catalogue import SUMMARIES

events = dg.AssetSpec("events")


@dg.multi_asset(
    specs=[
        dg.AssetSpec(name, deps=SUMMARIES[name].made_from, automation_condition=on_new_rows)
        for name in summaries.NAMES
    ],
    can_subset=True,
)
def all_summaries(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
    for name in summaries.NAMES:
        if dg.AssetKey(name) in context.selected_asset_keys:
            yield dg.MaterializeResult(name)


DEFS = dg.Definitions(assets=[events, all_summaries])


class Daemon:
    """The automation daemon by hand."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self.cursor = None

    def report_rows(self) -> None:
        self.instance.report_runless_asset_event(dg.AssetMaterialization("events"))

    def run(self, *names: str) -> None:
        # As the daemon launches it. `dg.materialize` would leave the run's selection out, which the condition reads.
        job = DEFS.resolve_implicit_global_asset_job_def()
        job.execute_in_process(instance=self.instance, asset_selection=[dg.AssetKey(name) for name in names])

    def tick(self) -> set[str]:
        """Evaluate once, run what was asked for, and say what that was."""
        result = dg.evaluate_automation_conditions(
            DEFS, self.instance, dg.AssetSelection.all(), cursor=self.cursor
        )
        self.cursor = result.cursor
        names = {name for name in summaries.NAMES if result.get_num_requested(dg.AssetKey(name))}
        if names:
            self.run(*names)
        return names


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Daemon(instance)


def test_new_rows_refresh_all_summaries_in_one_run_each_time(daemon: Daemon) -> None:
    for _ in range(2):
        daemon.report_rows()
        assert [daemon.tick() for _ in range(3)] == [set(summaries.NAMES), set(), set()]


def test_sessions_refreshed_alone_are_followed_by_what_depends_on_them(daemon: Daemon) -> None:
    daemon.report_rows()
    daemon.tick()
    daemon.run("sessions")
    assert [daemon.tick() for _ in range(2)] == [{"conversion_funnel", "device_usage"}, set()]


def test_rows_on_every_tick_refresh_on_every_tick(daemon: Daemon) -> None:
    for _ in range(4):
        daemon.report_rows()
        assert daemon.tick() == set(summaries.NAMES)
    assert daemon.tick() == set()
