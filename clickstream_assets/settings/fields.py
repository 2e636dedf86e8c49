"""The settings: every `CLICKSTREAM_*` variable that this project reads, with its default, its check and what it means.

README's table and `.env.example` are made from this class (`make settings`), and a test keeps them equal.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import Field, PrivateAttr, model_validator
from pydantic.config import JsonDict
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from clickstream_assets import thresholds
from clickstream_assets.errors import SettingsError
from clickstream_assets.file_names import EventsDirectory
from clickstream_assets.settings.environment import Environment, file_variable, is_secret
from clickstream_assets.settings.values import (
    AbsolutePath,
    AlertLevelChoice,
    Amount,
    Cores,
    DatabaseUrl,
    Days,
    FinishedFilesChoice,
    Host,
    IdenticalRowsChoice,
    Memory,
    Password,
    Port,
    RolePrefix,
    SinkChoice,
    SparkMaster,
    Switch,
    Webhook,
    variable_of,
)

ROLE_PREFIX = "clickstream"
OUTAGE_SECONDS = 120.0  # a command that shall come to an end waits no longer, unless it is told to


def _setting(
    description: str,
    default: Any = None,
    *,
    unset: str = "",
    example: str = "",
    of: Callable[[dict[str, Any]], object] | None = None,
) -> Any:
    """A setting: what it means, its default, or what goes without one (`unset`), and a value to show as an example.

    `of` makes the default from the settings before it.
    """
    extra: JsonDict = {"unset": unset, "example": example}
    if of is not None:
        return Field(default_factory=of, description=description, json_schema_extra=extra)
    return Field(default=default, description=description, json_schema_extra=extra)


def _internal(description: str) -> Any:
    """Not for users: what one of our programs tells another."""
    return Field(default=None, description=description, json_schema_extra={"internal": True})


class Settings(BaseSettings):
    """The settings of one process. Paths are absolute; no database URL means the embedded server."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    _secret_files: dict[str, str] = PrivateAttr(default_factory=dict)

    home: AbsolutePath = _setting(
        "All state: database, checkpoint, passwords, logs, Dagster's home. Relative to the current directory.",
        of=lambda _: Path(".clickstream").absolute(),
        unset=".clickstream",
        example=".clickstream",
    )
    events_dir: AbsolutePath = _setting(
        "The watched directory.",
        of=lambda given: given["home"] / "events",
        unset="events in the home",
        example=".clickstream/events",
    )
    database_url: DatabaseUrl | None = _setting(
        "A PostgreSQL 14 or newer of your own, as a libpq URL of the database's owner (sslmode, sslrootcert, … are "
        "honoured).",
        unset="the embedded server",
        example="postgresql://owner:password@db.example.com:5432/clickstream?sslmode=verify-full",
    )
    database_password: Password | None = _setting(
        "The owner's password, for a URL that holds none.", unset="none"
    )
    writer_password: Password | None = _setting(
        "The password that setup-db gives the writer's role.", unset="made once, kept in the home"
    )
    reader_password: Password | None = _setting(
        "The password that setup-db gives the reader's role.", unset="made once, kept in the home"
    )
    dagster_database_url: DatabaseUrl | None = _setting(
        "Dagster's own storage.",
        unset="the database dagster on the same server, with a role of its own",
        example="postgresql://dagster:password@db.example.com:5432/dagster",
    )
    dagster_password: Password | None = _setting(
        "The password that setup-db gives Dagster's role, where it makes that.",
        unset="made once, kept in the home",
    )
    role_prefix: RolePrefix = _setting(
        "The first part of the names of the roles, which a server has once for all its databases: for a second "
        "installation on the same server. With shop the roles are shop_writer, shop_reader, shop_dagster, and "
        "Dagster's database is shop_dagster.",
        ROLE_PREFIX,
    )

    generator_rate: Amount = _setting(
        "Events per second of the generator that `clickstream up` runs; 0: no generator.", 100.0
    )
    settle_seconds: Amount = _setting(
        "Seconds for which a file must not have changed before it is read. `clickstream up` sets 0 while its own "
        "generator is the producer: that one's files appear whole.",
        1.0,
    )
    settle_unterminated_seconds: Amount = _setting(
        "The same for a file whose last line has no end: its producer may have paused in the middle of that line.",
        60.0,
    )
    follow_links: Switch = _setting(
        "1: follow symbolic links that lead out of the events directory. Whoever can put a link there could otherwise "
        "have any file read that the stream can read.",
        False,
    )
    unreadable_seconds: Amount = _setting(
        "Seconds for which everything waits for a file that its file system does not give, though it gives others. "
        "Then the rest goes on, and that file is taken once it can be read.",
        60.0,
    )
    source_mapping: AbsolutePath | None = _setting(
        "A file in TOML that says what your producer calls columns and actions, and how it writes times, prices, "
        'quotes and "no value" (docs/own-data.md).',
        unset="none",
        example="mapping.toml",
    )
    sources: AbsolutePath | None = _setting(
        "A file in TOML with a section a source: directories besides the events directory, each with its mapping and "
        "its rules (docs/sources.md).",
        unset="none",
        example="sources.toml",
    )
    identical_rows: IdenticalRowsChoice = _setting(
        "Rows without event_id that are identical in all fields: merge them into one event, or keep each.",
        "merge",
    )

    retention_days: Days | None = _setting(
        "Days that events are kept: older partitions of events are dropped by maintenance, older rows that arrive are "
        "rejected as too_old.",
        unset="for ever",
        example="365",
    )
    finished_files: FinishedFilesChoice = _setting(
        "What maintenance does with files that are in the database for good: keep, archive or delete.", "keep"
    )
    finished_hours: Amount = _setting("Hours after its commit that a finished file stays where it is.", 24.0)
    archive_dir: AbsolutePath = _setting(
        "Where archived files go.",
        of=lambda given: given["home"] / "archive",
        unset="archive in the home",
        example=".clickstream/archive",
    )
    outage_seconds: Amount | None = _setting(
        "Seconds that a stream, or `up` at its start, waits for a database or an events directory that is away; it "
        "then ends with one sentence.",
        unset="a stream without limit, `stream --available-now` and the start of `up` 120",
        example="3600",
    )
    dagster_days: Days = _setting("Days that Dagster's own runs, events and logs are kept.", 7)

    refresh_seconds: Amount = _setting(
        "Seconds between two reports of new rows to Dagster: each leads to a run that refreshes the summaries.",
        60.0,
    )
    latency_p99_seconds: Amount = _setting(
        "The service level that the check `latency` judges by: seconds from a file's rename to visible rows, 99 % of "
        "the files.",
        thresholds.LATENCY_P99_SECONDS,
    )
    alert_webhook_url: Webhook | None = _setting(
        "Where alerts are posted: a webhook of Slack, Mattermost or the like (docs/monitoring.md). It is a secret.",
        unset="none are sent",
        example="https://hooks.example.com/services/…",
    )
    alert_level: AlertLevelChoice = _setting(
        "What alerts are about: error, or warn for the warnings of checks too.", "error"
    )
    openlineage_url: Webhook | None = _setting(
        "Where a data catalogue takes events of OpenLineage: one for each micro-batch and each refresh of a summary "
        "(docs/monitoring.md). It is a secret.",
        unset="none are sent",
        example="http://127.0.0.1:5000/api/v1/lineage",
    )
    openlineage_api_key: Password | None = _setting(
        "What the catalogue wants as a bearer token.", unset="none"
    )
    dagster_port: Port = _setting("Port of Dagster's webserver on 127.0.0.1.", 3000)

    sink: SinkChoice = _setting(
        "How rows reach PostgreSQL: copy, or jdbc (needs PostgreSQL's JDBC driver).", "copy"
    )
    jdbc_jar: AbsolutePath = _setting(
        "PostgreSQL's JDBC driver, for the jdbc sink; by default where Debian puts it.",
        Path("/usr/share/java/postgresql.jar"),
    )
    spark_master: SparkMaster = _setting(
        "Where Spark runs: local[*], or a cluster (docs/deployment.md).", "local[*]"
    )
    spool_dir: AbsolutePath | None = _setting(
        "A directory that the stream's driver and its tasks share, on a cluster at the same path on all machines: rows "
        "are handed over through it, about 300 bytes each of the running micro-batch (docs/operations.md). On a "
        "cluster without one, tasks copy their rows into staging tables.",
        unset="spool in the home; none on a cluster",
        example="/srv/clickstream/spool",
    )
    spark_driver_host: Host | None = _setting(
        "On a cluster: a name by which its workers find the driver.", unset="Spark's default"
    )
    spark_driver_bind_address: Host | None = _setting(
        "On a cluster: the address that the driver listens on.", unset="Spark's default"
    )
    spark_executor_memory: Memory | None = _setting(
        "On a cluster: the memory of an executor.", unset="Spark's default", example="1g"
    )
    spark_executor_cores: Cores | None = _setting(
        "On a cluster: the cores of an executor.", unset="Spark's default"
    )
    spark_max_cores: Cores | None = _setting(
        "On a cluster: the cores of all executors.", unset="Spark's default"
    )

    stream_database_url: DatabaseUrl | None = _internal("The writer's URL, for the stream's program.")
    dagster_run_id: str | None = _internal("The run of Dagster that the stream's program is a part of.")

    @property
    def events_directory(self) -> EventsDirectory:
        """The events directory as the stream reads it."""
        return EventsDirectory(self.events_dir, self.follow_links)

    def outage_limit(self, *, shall_end: bool) -> float | None:
        """Seconds to wait for what is away; None: as long as it takes. `shall_end`: the command comes to an end."""
        if self.outage_seconds is None and shall_end:
            return OUTAGE_SECONDS
        return self.outage_seconds

    @property
    def checkpoint_dir(self) -> Path:
        """Spark's checkpoint of the stream. Losing it is harmless: the ledger knows what is committed."""
        return self.home / "checkpoint"

    @property
    def log_dir(self) -> Path:
        return self.home / "logs"

    @property
    def report_file(self) -> Path:
        """The page that the asset `clickstream_report` writes."""
        return self.home / "report" / "clickstream_report.html"

    def path_variables(self) -> dict[str, str]:
        """The paths as variables for a process with another working directory."""
        return {variable_of(name): str(value) for name, value in self if isinstance(value, Path)}

    def secret_file_variables(self) -> dict[str, str]:
        """Where files hold secrets, as variables for a process with another working directory."""
        return dict(self._secret_files)

    def changed(self, **values: object) -> Self:
        """These settings with other values.

        Raises:
            SettingsError: they cannot be used together.
        """
        changed = type(self)(**{name: getattr(self, name) for name in self.model_fields_set} | values)
        changed._secret_files.update(self._secret_files)
        return changed

    @model_validator(mode="after")
    def _archive_is_outside(self) -> Self:
        if self.finished_files == "archive" and self.archive_dir.is_relative_to(self.events_dir):
            raise SettingsError(
                f"{variable_of('archive_dir')}, {self.archive_dir}, lies in the events directory, where it would be "
                "read again: give a directory outside of it."
            )
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is given: `from_env` says which environment that is."""
        return (init_settings,)

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Self:
        """Read the settings from `env` (default: the process environment).

        Raises:
            SettingsError: a value cannot be used.
        """
        environment = Environment(cls, os.environ if env is None else env)
        settings = cls(**environment())
        settings._secret_files.update(environment.secret_files())
        return settings


# For programs that need no secret but their own.
SECRET_VARIABLES = frozenset(
    variable
    for name, field in Settings.model_fields.items()
    if is_secret(field)
    for variable in (variable_of(name), file_variable(name))
)
