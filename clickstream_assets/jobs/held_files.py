"""The jobs `release_files` and `drop_files`: what becomes of files that the rules of their source hold back."""

from collections.abc import Callable

import dagster as dg
from psycopg2.extensions import connection as Connection
from pydantic import Field

from clickstream_assets.launches import LaunchConfig, failing_in_one_sentence
from clickstream_assets.ledger.held_files import HeldFile, WhichHeld, drop, release
from clickstream_assets.postgres.connections import Connections


class HeldFiles(LaunchConfig):
    """Which held files. At least one must be given; together they narrow."""

    file_ids: list[int] = Field(
        default=[], description="By file_id, as the check or `clickstream files list` says."
    )
    source: str | None = Field(default=None, description="Those of this source.")
    reason: str | None = Field(
        default=None, description="Those held for this reason, for instance error_budget."
    )


def _job(
    name: str, decide: Callable[[Connection, WhichHeld], list[HeldFile]], description: str
) -> dg.JobDefinition:
    @dg.op(name=name.removesuffix("_files"), description=description, out=dg.Out(dg.Nothing))
    def op(
        context: dg.OpExecutionContext, config: HeldFiles, database: dg.ResourceParam[Connections]
    ) -> None:
        with failing_in_one_sentence("Nothing was done"):
            config.check()
            which = WhichHeld(list(config.file_ids) or None, config.source, config.reason)
            with database.open("writer") as connection:
                done = decide(connection, which)
        context.log.info(f"{len(done)} files with {sum(file.rows for file in done)} rows.")
        context.add_output_metadata(
            {
                "files": len(done),
                "rows": sum(file.rows for file in done),
                "paths": ", ".join(f"{file.source}: {file.path}" for file in done[:20]),
            }
        )

    @dg.job(name=name, description=description, executor_def=dg.in_process_executor)
    def job() -> None:
        op()

    return job


release_files = _job(
    "release_files",
    release,
    "Has the stream take held files as they are, by the source mapping of now; their rejects go to the dead letters. "
    "`clickstream files release` does the same.",
)
drop_files = _job(
    "drop_files",
    drop,
    "Decides against held files: nothing of them is ever stored. `clickstream files drop` does the same.",
)
