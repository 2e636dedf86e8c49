"""Where this project's own files are: fixed, whatever the settings say."""

from __future__ import annotations

from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parent.parent
SQL_DIR = PROJECT_ROOT / "sql"
STREAM_PROGRAM = PROJECT_ROOT / "spark" / "spark_streaming_to_postgres.py"
CHECK_SOURCE_PROGRAM = PROJECT_ROOT / "spark" / "check_source.py"
