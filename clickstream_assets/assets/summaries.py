"""The assets of the summaries and of the dimension `user_agents`.

Their place in the graph, the choices of the launchpad, and metadata. The work is done in `summaries`; `automation` says
when.
"""

from collections.abc import Iterator
from datetime import date
from enum import Enum

import dagster as dg
from psycopg2.extensions import connection as Connection
from pydantic import Field

from clickstream_assets.assets.automation import REFRESH_RETRY, cancelled_for_good, on_new_rows
from clickstream_assets.assets.catalogue import (
    FILLED_BY,
    LIVE,
    code_links,
    code_version,
    input_tags,
    table_metadata,
)
from clickstream_assets.assets.previews import preview
from clickstream_assets.errors import SettingsError
from clickstream_assets.launches import LaunchConfig, failing_in_one_sentence
from clickstream_assets.lineage.tables import table_comment
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.summaries import refresh as summaries
from clickstream_assets.summaries.catalogue import SUMMARIES

PREVIEW_ROWS = 5  # every refresh keeps its own in Dagster's storage


class Mode(Enum):
    """What to do with a summary. The launchpad takes the names as they stand here."""

    incremental = "incremental"
    rebuild = "rebuild"


class SummaryRefresh(LaunchConfig):
    """What to do with the chosen summaries."""

    mode: Mode = Field(
        default=Mode.incremental,
        description="incremental takes new batches in; rebuild recomputes the rows from the events that are stored.",
    )
    day: str | None = Field(
        default=None,
        description="With rebuild: recompute this day (UTC, YYYY-MM-DD) alone. user_agents, which has no days, is "
        "refreshed.",
    )


@dg.multi_asset(
    name="refresh_summaries",
    specs=[
        dg.AssetSpec(
            name,
            deps=SUMMARIES[name].made_from,
            group_name="summaries",
            kinds={"postgres", "sql"},
            owners=["team:clickstream"],
            automation_condition=on_new_rows,
            description=f"{table_comment(name)} A refresh adds the batches that the table has not recorded yet.",
            tags={FILLED_BY: "refresh"},
            code_version=code_version(f"sql/summaries/{name}*.sql"),
            metadata={
                **table_metadata(name),
                **code_links(f"sql/summaries/{name}.sql", "clickstream_assets/summaries/refresh.py"),
            },
        )
        for name in summaries.NAMES
    ],
    # One step for whichever are chosen: a process for each would cost far more than their statements.
    can_subset=True,
    retry_policy=REFRESH_RETRY,
)
def refresh_summaries(
    context: dg.AssetExecutionContext, config: SummaryRefresh, database: dg.ResourceParam[Connections]
) -> Iterator[dg.MaterializeResult]:
    with cancelled_for_good(), failing_in_one_sentence("Nothing was refreshed"):
        day = _day(config)
        chosen = {key.to_user_string() for key in context.selected_asset_keys}
        failures: dict[str, dg.Failure] = {}
        with database.open("writer") as connection:
            for name in (name for name in summaries.NAMES if name in chosen):
                try:
                    with failing_in_one_sentence(name):
                        done = _refresh(connection, name, config.mode, day)
                except dg.Failure as failure:
                    if connection.closed:
                        raise
                    # The others can still be brought up to date; the run fails at its end.
                    context.log.error(f"{failure.description} It was left as it was.")
                    failures[name] = failure
                    continue
                yield dg.MaterializeResult(
                    name, metadata=_metadata(connection, done), data_version=LIVE, tags=_MADE_FROM[name]
                )
    if failures:
        said = [failure.description or name for name, failure in failures.items()]
        raise dg.Failure(
            f"Not refreshed: {'; '.join(said)}",
            metadata=dict(zip(failures, said, strict=True)),
            allow_retries=any(failure.allow_retries for failure in failures.values()),
        )


def _day(config: SummaryRefresh) -> date | None:
    config.check()
    if config.day is None:
        return None
    if config.mode is not Mode.rebuild:
        raise SettingsError(f"the day {config.day} was given without mode: rebuild.")
    try:
        day = date.fromisoformat(config.day.strip())
    except ValueError:
        raise SettingsError(f"the day is '{config.day}': give it as YYYY-MM-DD.") from None
    if day == date.max:
        raise SettingsError(f"the day is {day}, the last that there is: no event can be of it.")
    return day


def _refresh(connection: Connection, name: str, mode: Mode, day: date | None) -> summaries.Refresh:
    if mode is Mode.incremental or (day is not None and name == "user_agents"):
        return summaries.refresh(connection, name)
    if day is not None:
        return summaries.rebuild_day(connection, name, day)
    return summaries.rebuild(connection, name)


def _metadata(
    connection: Connection, done: summaries.Refresh
) -> dict[str, int | float | str | dg.MarkdownMetadataValue]:
    return {
        "dagster/row_count": done.row_count,
        "mode": done.mode,
        "batches": done.batches,
        "through_batch": done.through_batch,
        "events": done.events,
        "events_gone": done.events_gone,
        "groups": done.groups,
        "seconds": round(done.seconds, 3),
        "preview": preview(connection, SUMMARIES[done.summary].preview, PREVIEW_ROWS),
    }


# What a step makes itself, Dagster would take for what it was before the step.
_MADE_FROM = {key.to_user_string(): input_tags(deps) for key, deps in refresh_summaries.asset_deps.items()}

summary_assets = [refresh_summaries]
