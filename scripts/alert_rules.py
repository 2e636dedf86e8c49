"""Puts the limits of the checks into the rules of Prometheus: `make alert-rules`.

A line of monitoring/alerts.yml that ends with the name of a limit, as `# FRESHNESS.warn_above`, gets that limit as the
last number before its end. clickstream_assets/thresholds.py is where limits are changed.
"""

from __future__ import annotations

import re
import sys
from operator import attrgetter
from pathlib import Path

from clickstream_assets import thresholds

RULES = Path(__file__).resolve().parent.parent / "monitoring" / "alerts.yml"
_LIMIT = re.compile(
    r"""^(?P<before>.*?)(?P<number>[\d.]+)(?P<after>[^\d#]*)  # (?P<name>[A-Z][A-Z0-9_]*(\.\w+)?)$"""
)


def main() -> int:
    RULES.write_text(with_limits(RULES.read_text()))
    sys.stdout.write(f"{RULES.name} has the limits of thresholds.py.\n")
    return 0


def with_limits(text: str) -> str:
    """The rules with today's limits. Raises AttributeError for the name of a limit that does not exist."""
    return "\n".join(_with_limit(line) for line in text.split("\n"))


def _with_limit(line: str) -> str:
    found = _LIMIT.match(line)
    if found is None:
        return line
    limit = attrgetter(found["name"])(thresholds)
    return f"{found['before']}{limit:g}{found['after']}  # {found['name']}"


if __name__ == "__main__":
    sys.exit(main())
