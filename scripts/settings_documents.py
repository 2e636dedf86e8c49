"""What README and `.env.example` say of the settings, made from the settings themselves: `make settings`."""

from __future__ import annotations

import re
import sys
import textwrap
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from clickstream_assets.settings import Settings  # noqa: E402
from clickstream_assets.settings.environment import is_secret  # noqa: E402
from clickstream_assets.settings.values import variable_of  # noqa: E402

README, EXAMPLE, COMPOSE = ROOT / "README.md", ROOT / ".env.example", ROOT / "docker-compose.yml"
BEGIN, END = "<!-- settings: make settings -->", "<!-- end of the settings -->"
COMPOSE_BEGIN = "# --- docker compose alone"
HEAD = """\
# Settings of clickstream, with their defaults. Copy to .env; what is set in the environment comes first.
# `make run` and `clickstream` read .env in the current directory. A secret may also be in a file: NAME_FILE=/its/path.
"""
WIDTH = 120


def main() -> int:
    README.write_text(with_table(README.read_text()))
    EXAMPLE.write_text(with_settings(EXAMPLE.read_text()))
    return 0


def users_settings() -> dict[str, FieldInfo]:
    """The settings that are for users, by their names."""
    return {name: field for name, field in Settings.model_fields.items() if not _extra(field).get("internal")}


def with_table(text: str) -> str:
    """README with today's table between the markers."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    rows = [
        f"| `{variable_of(name)}` | {_default_in_table(field)} | {_linked(field.description or '')} |"
        for name, field in users_settings().items()
    ]
    secrets = [f"`{variable_of(name)}`" for name, field in users_settings().items() if is_secret(field)]
    note = textwrap.fill(
        f"These are secrets: {', '.join(secrets[:-1])} and {secrets[-1]}. Each may also be the content of a file, "
        "which the same variable with `_FILE` at its end names.",
        WIDTH,
        break_on_hyphens=False,
    )
    table = "\n".join(["| variable | default | |", "|---|---|---|", *rows])
    return f"{before}{BEGIN}\n{table}\n\n{note}\n{END}{after}"


def with_settings(text: str) -> str:
    """`.env.example` with today's settings before those of Compose, which are written by hand."""
    _, mark, by_hand = text.partition(COMPOSE_BEGIN)
    parts = [HEAD]
    for name, field in users_settings().items():
        unset = f" Unset: {_extra(field)['unset']}." if _extra(field)["unset"] else ""
        comment = textwrap.fill(
            f"{field.description}{unset}",
            WIDTH,
            initial_indent="# ",
            subsequent_indent="# ",
            break_on_hyphens=False,
        )
        parts.append(f"{comment}\n#{variable_of(name)}={_extra(field)['example'] or _default(field)}\n")
    return "\n".join(parts) + "\n" + mark + _with_passed_on(by_hand)


def passed_on() -> list[str]:
    """The settings that Compose reads from .env, too, by their names."""
    read = set(re.findall(r"\$\{(CLICKSTREAM_[A-Z0-9_]+)", COMPOSE.read_text()))
    return [name for name in users_settings() if variable_of(name) in read]


def _with_passed_on(by_hand: str) -> str:
    _, _, rest = by_hand.partition("\n\n")
    names = ", ".join(variable_of(name).removeprefix("CLICKSTREAM") for name in passed_on())
    sentence = (
        f"{COMPOSE_BEGIN} (docs/deployment.md). Of the above it reads, with CLICKSTREAM in front: {names}. "
        "Directories are absolute paths of this machine there."
    )
    wrapped = textwrap.fill(sentence.removeprefix("# "), WIDTH, initial_indent="# ", subsequent_indent="# ")
    return wrapped.removeprefix(COMPOSE_BEGIN) + "\n\n" + rest


def _extra(field: FieldInfo) -> dict[str, Any]:
    extra = field.json_schema_extra
    assert isinstance(extra, dict)  # noqa: S101 - each setting has it
    return extra


def _default(field: FieldInfo) -> str:
    value = field.default
    if value is None or value is PydanticUndefined:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(int(value) if isinstance(value, bool) else value)


def _default_in_table(field: FieldInfo) -> str:
    return str(_extra(field)["unset"]) or f"`{_default(field)}`"


def _linked(text: str) -> str:
    return re.sub(r"docs/[a-z-]+\.md", lambda match: f"[{match[0]}]({match[0]})", text)


if __name__ == "__main__":
    sys.exit(main())
