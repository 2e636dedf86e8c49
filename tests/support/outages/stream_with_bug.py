"""The stream's program with a bug in its intake."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from spark import spark_streaming_to_postgres
from spark.discovery.discovery import Discovery


def _settled(_: Discovery) -> list[object]:
    return [1 / 0]


if __name__ == "__main__":
    Discovery.settled = _settled  # type: ignore[method-assign,assignment]
    sys.exit(spark_streaming_to_postgres.main())
