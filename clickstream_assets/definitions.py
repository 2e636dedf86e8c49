"""All that Dagster knows of this project, put together in one place.

`build_definitions` is what tests call with other resources; `defs` is what Dagster loads.
"""

import dagster as dg

from clickstream_assets.assets.catalogue import located
from clickstream_assets.assets.checks_reported import checks_reported
from clickstream_assets.assets.event_files import event_files
from clickstream_assets.assets.events import events_and_rejects
from clickstream_assets.assets.report import clickstream_report, report_job, report_schedule
from clickstream_assets.assets.sources import below_sources, loaded_sources, source_specs
from clickstream_assets.assets.summaries import summary_assets
from clickstream_assets.checks.event_checks import event_checks
from clickstream_assets.checks.matches_events import audit_job, audit_schedule, summaries_match_events
from clickstream_assets.checks.source_checks import source_checks
from clickstream_assets.jobs.held_files import drop_files, release_files
from clickstream_assets.jobs.maintenance import maintenance, nightly_maintenance, replay_rejects
from clickstream_assets.jobs.stream import spark_stream, start_stream, stop_stream
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.sensors.alerts import alerts, alerts_without_receiver
from clickstream_assets.sensors.first_look import first_look
from clickstream_assets.sensors.openlineage import openlineage
from clickstream_assets.sensors.sensors import sensors
from clickstream_assets.settings import Settings
from clickstream_assets.supervision.run import StreamProgram


def build_definitions(
    settings: Settings, *, database: Connections | None = None, program: StreamProgram | None = None
) -> dg.Definitions:
    """The definitions for `settings`; tests give a database or a program of their own."""
    database = database or Connections(settings, "clickstream-dagster")
    sources = loaded_sources(settings, database)
    assets = below_sources([event_files, events_and_rejects, *summary_assets, clickstream_report], sources)
    return dg.Definitions(
        assets=[*located(assets, settings), *source_specs(sources), checks_reported],
        asset_checks=[
            *event_checks,
            summaries_match_events,
            *(source_checks(sources) if settings.sources else ()),
        ],
        jobs=[
            spark_stream,
            stop_stream,
            start_stream,
            maintenance,
            replay_rejects,
            release_files,
            drop_files,
            audit_job,
            report_job,
        ],
        schedules=[nightly_maintenance, audit_schedule, report_schedule],
        sensors=[
            *(*sensors, first_look),
            alerts if settings.alert_webhook_url else alerts_without_receiver,
            *([openlineage] if settings.openlineage_url else []),
        ],
        resources={
            "settings": settings,
            "database": database,
            "program": program or StreamProgram(database),
        },
        # A process a step costs more than all the steps: they are statements, run by PostgreSQL.
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What `workspace.yaml` loads."""
    return build_definitions(Settings.from_env())
