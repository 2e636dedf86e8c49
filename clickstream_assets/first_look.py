"""The sensor `first_look`: makes the report and audits the summaries once, as soon as there is something to look at.

Belongs here: the first time. Does not belong here: every other time, which is their schedules' (`assets.report`,
`summary_checks`): on a new installation a report that nobody could open and checks without a result would stand in
the graph until the night.
"""

import dagster as dg

from clickstream_assets.assets.report import report_job
from clickstream_assets.summaries import NAMES
from clickstream_assets.summary_checks import audit_job

FIRST_LOOK_TICK = 10  # seconds
DONE = "done"


@dg.sensor(
    jobs=[report_job, audit_job],
    minimum_interval_seconds=FIRST_LOOK_TICK,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Once every summary has been materialized, makes the first report and audits the summaries; never "
    "again. Later that is done by their schedules.",
)
def first_look(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    if context.cursor == DONE:
        return dg.SensorResult(skip_reason="Done.")
    missing = [
        name for name in NAMES if context.instance.get_latest_materialization_event(dg.AssetKey(name)) is None
    ]
    if missing:
        return dg.SensorResult(skip_reason=f"Not materialized yet: {', '.join(missing)}.")
    requests = [
        dg.RunRequest(run_key=f"first-{job.name}", job_name=job.name) for job in (report_job, audit_job)
    ]
    return dg.SensorResult(run_requests=requests, cursor=DONE)
