"""Where this project's own files are: fixed, whatever the settings say."""

from __future__ import annotations

from pathlib import Path

# The directory of the packages: the checkout, or the site-packages of an installation.
PROJECT_ROOT = Path(__file__).resolve().parent.parent
# The directory of `sql/`, `dagster.yaml` and `workspace.yaml`: the checkout, or where setup.py puts them.
_INSTALLED = Path(__file__).resolve().parent / "project"
FILES_ROOT = _INSTALLED if _INSTALLED.is_dir() else PROJECT_ROOT

SQL_DIR = FILES_ROOT / "sql"
STREAM_PROGRAM = PROJECT_ROOT / "spark" / "spark_streaming_to_postgres.py"
CHECK_SOURCE_PROGRAM = PROJECT_ROOT / "spark" / "check_source.py"
