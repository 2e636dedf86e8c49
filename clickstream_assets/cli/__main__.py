"""The command `clickstream`: finds the subcommand's module and turns the expected errors into one sentence.

Modules are imported on use, so that `clickstream status` does not pay for what `clickstream up` needs.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import click
from dotenv import load_dotenv

from clickstream_assets.errors import SettingsError
from clickstream_assets.exits import EXPECTED, end_by

COMMANDS = (
    "up",
    "generate",
    "check-source",
    "stream",
    "setup-db",
    "status",
    "verify",
    "metrics",
    "rejects",
    "files",
    "maintain",
    "database-url",
    "psql",
    "postgres",
    "env",
)


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"clickstream_assets.cli.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # whoever reads our output has seen enough: click's
            raise
        except EXPECTED as error:
            ctx.exit(end_by(error, "clickstream"))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="clickstream-assets")
def clickstream() -> None:
    """Clickstream events: from CSV files through Spark into PostgreSQL, watched by Dagster."""


def main() -> None:
    """Entry point. Exit codes: `contract.ExitCode`; click's own for wrong usage is the same."""
    file = Path.cwd() / ".env"
    try:
        load_dotenv(file)  # as Dagster's own programs do; here the environment itself comes first
    except UnicodeDecodeError:
        sys.exit(end_by(SettingsError(f"{file} is no text in UTF-8: write it anew."), "clickstream"))
    except OSError as error:
        sys.exit(end_by(error, "clickstream"))
    clickstream(prog_name="clickstream")


if __name__ == "__main__":
    main()
