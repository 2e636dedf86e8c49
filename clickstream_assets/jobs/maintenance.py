"""The job `maintenance` and its schedule, and the job `replay_rejects`: upkeep with a visible result.

The ops call what the commands `maintain` and `rejects replay` call as well.
"""

import dagster as dg
from pydantic import Field

from clickstream_assets.errors import SettingsError
from clickstream_assets.launches import LaunchConfig, failing_in_one_sentence
from clickstream_assets.ledger.sources_in_force import sources_in_force
from clickstream_assets.maintenance.steps import APPLICATION, STEPS, Maintenance, run_step
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.rejects.reads import RejectFilter
from clickstream_assets.rejects.replay import Replay, replay_as_they_are
from clickstream_assets.settings import Settings

NIGHTLY = "17 3 * * *"  # not at the full hour, when everything else runs


def _op(name: str) -> dg.OpDefinition:
    @dg.op(name=name, description=STEPS[name].__doc__, out=dg.Out(dg.Nothing))
    def step(
        context: dg.OpExecutionContext,
        database: dg.ResourceParam[Connections],
        settings: dg.ResourceParam[Settings],
    ) -> None:
        with failing_in_one_sentence(name):
            result = run_step(Maintenance(database.named(APPLICATION)), name)
        metadata = {"did": result.sentence, **result.numbers}
        if result.problem:
            raise dg.Failure(result.sentence, metadata=metadata, allow_retries=False)
        context.log.info(result.sentence)
        context.add_output_metadata(metadata)

    return step


_OPS = [_op(name) for name in STEPS]


@dg.job(
    description="What keeps everything from growing for ever: partitions made and dropped, finished files archived, "
    "old logs removed, statistics. Each step says what it did; one that fails does not hold up the others. "
    "`clickstream maintain` does the same.",
    executor_def=dg.in_process_executor,
)
def maintenance() -> None:
    for op in _OPS:
        op()


nightly_maintenance = dg.ScheduleDefinition(
    name="nightly_maintenance",
    job=maintenance,
    cron_schedule=NIGHTLY,
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Maintenance, once a night (UTC).",
)


class RejectsToReplay(LaunchConfig):
    """Which rejected rows. At least one must be given; together they narrow."""

    reason: str | None = Field(default=None, description="The reason's code, for instance invalid_price.")
    file: str | None = Field(default=None, description="Path of the file in the events directory.")
    file_id: int | None = Field(default=None, description="Or its file_id.")
    reject_ids: list[int] = Field(default=[], description="Or these rows alone, by reject_id.")
    again: bool = Field(default=False, description="Also rows that were sent back before.")


@dg.op(
    description="Sends rejected rows back into the events directory as they are, once, linked to their lines.",
    out=dg.Out(dg.Nothing),
)
def replay(
    context: dg.OpExecutionContext,
    config: RejectsToReplay,
    database: dg.ResourceParam[Connections],
    settings: dg.ResourceParam[Settings],
) -> None:
    with failing_in_one_sentence("Nothing was sent back"):
        config.check()
        which = RejectFilter(
            config.reason, config.file_id, config.file, reject_ids=list(config.reject_ids) or None
        )
        if which == RejectFilter():
            raise SettingsError(
                "nothing was chosen: give at least one of reason, file, file_id and reject_ids."
            )
        with database.open("writer") as connection:
            sources = sources_in_force(connection, settings).sources
            places = {source.name: source.directory for source in sources}
            try:
                done = replay_as_they_are(connection, places, which, config.again)
            except OSError as error:
                place = error.filename or settings.events_dir
                raise SettingsError(f"{place} cannot be used ({error.strerror}).") from None
    context.log.info(f"{done.rows} rows sent back.")
    context.add_output_metadata(_replayed(done))


def _replayed(done: Replay) -> dict[str, int | str]:
    return {
        "rows": done.rows,
        "replayed_before": done.replayed_before,
        "to_be_repaired_first": done.not_as_they_are,
        "files": ", ".join(path.name for path in done.files),
    }


@dg.job(
    description="Sends rejected rows back in as they are, for instance after a rule was changed: choose them in the "
    "launchpad. They come in as a new file; a row is sent back once. `clickstream rejects replay` does the same, "
    "and takes repaired files as well.",
    executor_def=dg.in_process_executor,
)
def replay_rejects() -> None:
    replay()
