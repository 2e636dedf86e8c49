"""The stream's program as it is on a cluster whose machines share no directory: tasks read all files, and copy
their rows themselves."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from spark import spark_streaming_to_postgres
from spark.stream import query, settings

if __name__ == "__main__":
    settings._spool_on_one_machine = lambda _: None
    query._driver_read = lambda *_: None
    sys.exit(spark_streaming_to_postgres.main())
