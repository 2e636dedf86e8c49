"""The sensor `first_look`: makes the report once, as soon as there is something to look at.

Later ones are made by its schedule (`assets.report`). Without this sensor, a report that nobody can open would stand in
the graph of a new installation until the night.
"""

import dagster as dg

from clickstream_assets.assets.report import report_job
from clickstream_assets.summaries.refresh import NAMES

FIRST_LOOK_TICK = 30  # seconds
DONE = "done"


@dg.sensor(
    job=report_job,
    minimum_interval_seconds=FIRST_LOOK_TICK,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Once every summary has been materialized, makes the first report; never again. Later that is done "
    "by its schedule.",
)
def first_look(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    if context.cursor == DONE:
        return dg.SensorResult(skip_reason="Done.")
    missing = [
        name for name in NAMES if context.instance.get_latest_materialization_event(dg.AssetKey(name)) is None
    ]
    if missing:
        return dg.SensorResult(skip_reason=f"Not materialized yet: {', '.join(missing)}.")
    return dg.SensorResult(run_requests=[dg.RunRequest(run_key="first-report")], cursor=DONE)
