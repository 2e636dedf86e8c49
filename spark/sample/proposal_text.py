"""The text of a proposed mapping: lines of TOML by table, with comments where they are in doubt."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from clickstream_assets.text import printable
from spark.mapping.sources import Step

TABLES = ("columns", "fields", "actions", "events", "time", "price", "values", "format")


def quoted(text: str) -> str:
    """A text as TOML has it."""
    return json.dumps(text.encode("utf-8", "replace").decode(), ensure_ascii=False).replace("\x7f", "\\u007f")


def quoted_step(step: Step) -> str:
    """A step into JSON as an item of a list in TOML."""
    if isinstance(step, tuple):
        return f"{{ {quoted(step[0])} = {quoted(step[1])} }}"
    return quoted(step) if isinstance(step, str) else str(step)


@dataclass
class Proposal:
    """Lines by table, and what is known without a line."""

    known: list[str] = field(default_factory=list)
    lines: dict[str, list[str]] = field(default_factory=dict)

    def add(self, table: str, line: str, doubt: str | None = None) -> None:
        """Add a line, and why it is in doubt."""
        if doubt is not None:
            self.lines.setdefault(table, []).append(f"# DOUBTFUL: {printable(doubt)}")
        self.lines.setdefault(table, []).append(line)

    def note(self, table: str, text: str) -> None:
        self.lines.setdefault(table, []).append(f"# {printable(text)}")

    def toml(self) -> str:
        """The mapping."""
        parts = [
            "# Proposed by clickstream check-source. Look at what is DOUBTFUL, and run check-source with it."
        ]
        parts += [f"# {printable(line)}" for line in self.known]
        for table in TABLES:
            if table in self.lines:
                parts += ["", f"[{table}]", *self.lines[table]]
        return "\n".join(parts) + "\n"

    def source_instead(self, column: str, name: str, line: str) -> None:
        """A line in [fields] for one that a column alone was to be."""
        columns = self.lines.get("columns", [])
        own = f"{quoted(column)} = {quoted(name)}"
        if own in columns:
            at = columns.index(own)
            del columns[at - 1 : at + 1]
            if not columns:
                del self.lines["columns"]
        self.add("fields", line)
