"""Settings: what the environment says, read once and checked.

Belongs here: every `CLICKSTREAM_*` variable, its default and its check. Does not belong here: passwords of
the database roles (`credentials`), and anything that opens a file or a connection.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast

from clickstream_assets import thresholds
from clickstream_assets.database_url import check_url
from clickstream_assets.errors import SettingsError

__all__ = ["ROLE_PREFIX", "Settings", "SettingsError"]

PROJECT_ROOT = Path(__file__).resolve().parent.parent
SQL_DIR = PROJECT_ROOT / "sql"
STREAM_PROGRAM = PROJECT_ROOT / "spark" / "spark_streaming_to_postgres.py"
CHECK_SOURCE_PROGRAM = PROJECT_ROOT / "spark" / "check_source.py"

MOST_DAYS = 100 * 366
ROLE_PREFIX = "clickstream"

Sink = Literal["copy", "jdbc"]
IdenticalRows = Literal["merge", "keep"]
AlertLevel = Literal["error", "warn"]
FinishedFiles = Literal["keep", "archive", "delete"]


@dataclass(frozen=True)
class Settings:
    """The settings of one process. Paths are absolute; `None` for a URL means: the embedded server."""

    home: Path
    events_dir: Path
    database_url: str | None = field(repr=False)  # may hold a password
    dagster_database_url: str | None = field(repr=False)
    spark_master: str
    sink: Sink
    generator_rate: float  # events per second; 0 = no generator
    settle_seconds: float  # a file unchanged for so long is taken to be complete
    settle_unterminated_seconds: float  # the same where its last line has no end
    follow_links: bool  # out of the events directory
    dagster_port: int
    identical_rows: IdenticalRows
    source_mapping: Path | None  # what another producer calls things; see spark/cleaning/source_mapping.py
    latency_p99_seconds: float  # the service level that the check `latency` judges by
    alert_webhook_url: str | None = field(repr=False)  # a secret: whoever has it can post
    alert_level: AlertLevel
    retention_days: int | None  # events older than this are dropped, and not taken in; None: kept for ever
    finished_files: FinishedFiles
    finished_hours: float  # after its commit, a file stays so long where it is
    archive_dir: Path
    dagster_days: int  # so long Dagster's runs, events and logs are kept
    role_prefix: str  # of the names of the roles: the server has one of each name for all its databases
    spool_dir: Path | None = None  # that Spark's driver and tasks share; None: in the home, on one machine

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
        paths = {
            "CLICKSTREAM_HOME": self.home,
            "CLICKSTREAM_EVENTS_DIR": self.events_dir,
            "CLICKSTREAM_ARCHIVE_DIR": self.archive_dir,
            "CLICKSTREAM_SOURCE_MAPPING": self.source_mapping,
            "CLICKSTREAM_SPOOL_DIR": self.spool_dir,
        }
        return {name: str(path) for name, path in paths.items() if path is not None}

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Settings:
        """Read the settings from `env` (default: the process environment).

        Raises:
            SettingsError: a value cannot be used.
        """
        source = os.environ if env is None else env
        home = Path(source.get("CLICKSTREAM_HOME") or ".clickstream").expanduser().absolute()
        events_dir = Path(source.get("CLICKSTREAM_EVENTS_DIR") or home / "events").expanduser().absolute()
        port = _number(source, "CLICKSTREAM_DAGSTER_PORT", 3000)
        if port != int(port) or not 0 < port < 65536:
            raise SettingsError(f"CLICKSTREAM_DAGSTER_PORT is {port:g}: give a port number from 1 to 65535.")
        archive_dir = Path(source.get("CLICKSTREAM_ARCHIVE_DIR") or home / "archive").expanduser().absolute()
        finished_files = cast(
            FinishedFiles, _choice(source, "CLICKSTREAM_FINISHED_FILES", ("keep", "archive", "delete"))
        )
        if finished_files == "archive" and archive_dir.is_relative_to(events_dir):
            raise SettingsError(
                f"CLICKSTREAM_ARCHIVE_DIR, {archive_dir}, lies in the events directory, where it would be read again: "
                "give a directory outside of it."
            )
        return cls(
            home=home,
            events_dir=events_dir,
            database_url=_url(source, "CLICKSTREAM_DATABASE_URL"),
            dagster_database_url=_url(source, "CLICKSTREAM_DAGSTER_DATABASE_URL"),
            spark_master=source.get("CLICKSTREAM_SPARK_MASTER") or "local[*]",
            sink=cast(Sink, _choice(source, "CLICKSTREAM_SINK", ("copy", "jdbc"))),
            generator_rate=_number(source, "CLICKSTREAM_GENERATOR_RATE", 100),
            settle_seconds=_number(source, "CLICKSTREAM_SETTLE_SECONDS", 1),
            settle_unterminated_seconds=_number(source, "CLICKSTREAM_SETTLE_UNTERMINATED_SECONDS", 60),
            follow_links=follows_links(source),
            dagster_port=int(port),
            identical_rows=cast(
                IdenticalRows, _choice(source, "CLICKSTREAM_IDENTICAL_ROWS", ("merge", "keep"))
            ),
            source_mapping=_path(source, "CLICKSTREAM_SOURCE_MAPPING"),
            latency_p99_seconds=_number(
                source, "CLICKSTREAM_LATENCY_P99_SECONDS", thresholds.LATENCY_P99_SECONDS
            ),
            alert_webhook_url=_webhook(source, "CLICKSTREAM_ALERT_WEBHOOK_URL"),
            alert_level=cast(AlertLevel, _choice(source, "CLICKSTREAM_ALERT_LEVEL", ("error", "warn"))),
            retention_days=_days(source, "CLICKSTREAM_RETENTION_DAYS"),
            finished_files=finished_files,
            finished_hours=_number(source, "CLICKSTREAM_FINISHED_HOURS", 24),
            archive_dir=archive_dir,
            dagster_days=_days(source, "CLICKSTREAM_DAGSTER_DAYS") or 7,
            role_prefix=_role_prefix(source),
            spool_dir=_path(source, "CLICKSTREAM_SPOOL_DIR"),
        )


def follows_links(env: Mapping[str, str] | None = None) -> bool:
    """Whether links that lead out of the events directory are followed, by `env` (default: the process environment).

    Raises:
        SettingsError: the value cannot be used.
    """
    return _choice(os.environ if env is None else env, "CLICKSTREAM_FOLLOW_LINKS", ("0", "1")) == "1"


def _number(env: Mapping[str, str], name: str, default: float) -> float:
    text = env.get(name, "").strip()
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        raise SettingsError(f"{name} is '{text}': give a number.") from None
    if not 0 <= value < float("inf"):
        raise SettingsError(f"{name} is '{text}': give a number that is not negative.")
    return value


def _days(env: Mapping[str, str], name: str) -> int | None:
    text = env.get(name, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= MOST_DAYS):
        raise SettingsError(f"{name} is '{text}': give a whole number of days, at least 1.")
    return int(text)


def _role_prefix(env: Mapping[str, str]) -> str:
    text = env.get("CLICKSTREAM_ROLE_PREFIX", "").strip() or ROLE_PREFIX
    # PostgreSQL cuts longer names, and keeps those that begin with pg_ to itself.
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", text) or text.startswith("pg_") or text == "pg":
        raise SettingsError(
            f"CLICKSTREAM_ROLE_PREFIX is '{text}': give up to 40 of a-z, 0-9 and _, the first a letter, "
            "and not pg_ in front."
        )
    return text


def _choice(env: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    text = env.get(name, "").strip() or choices[0]
    if text not in choices:
        raise SettingsError(f"{name} is '{text}': give one of {', '.join(choices)}.")
    return text


def _path(env: Mapping[str, str], name: str) -> Path | None:
    text = env.get(name, "").strip()
    return Path(text).expanduser().absolute() if text else None


def _url(env: Mapping[str, str], name: str) -> str | None:
    text = env.get(name, "").strip()
    return check_url(name, text) if text else None


def _webhook(env: Mapping[str, str], name: str) -> str | None:
    text = env.get(name, "").strip()
    # Only that: `file:` and others would do something else. The value is a secret and is not repeated.
    if text and not text.startswith(("https://", "http://")):
        raise SettingsError(f"{name} is no address of the web: it must start with https:// or http://.")
    return text or None
