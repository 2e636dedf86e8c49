"""The first report does not wait for the night."""

from __future__ import annotations

import dagster as dg

from clickstream_assets.sensors.first_look import first_look
from clickstream_assets.summaries.refresh import NAMES


def tick(instance: dg.DagsterInstance, cursor: str | None) -> dg.SensorResult:
    with dg.build_sensor_context(instance=instance, cursor=cursor) as context:
        result = first_look(context)
    assert isinstance(result, dg.SensorResult)
    return result


def test_the_report_is_made_once_when_every_summary_is_there() -> None:
    with dg.instance_for_test() as instance:
        for name in NAMES[:-1]:
            instance.report_runless_asset_event(dg.AssetMaterialization(name))
        early = tick(instance, None)
        assert not early.run_requests
        assert NAMES[-1] in str(early.skip_reason)

        instance.report_runless_asset_event(dg.AssetMaterialization(NAMES[-1]))
        first = tick(instance, early.cursor)
        assert len(first.run_requests or []) == 1

        assert not tick(instance, first.cursor).run_requests
