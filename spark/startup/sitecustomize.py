"""Run by Python itself at the start of each of Spark's Python processes, which find this directory on PYTHONPATH.

Spark puts a copy of pyspark in a zip before the installed one. Modules in a zip are compiled anew in every process:
half a second, before the first file of a stream and whenever a worker is started.

A worker that Spark leaves, because it was idle for a minute or its query ended, prints a traceback about its pipe.
"""

import sys
import traceback
from pathlib import Path

_others = [entry for entry in sys.path if not entry.endswith("pyspark.zip")]
if any(Path(entry, "pyspark", "__init__.py").is_file() for entry in _others):
    sys.path[:] = _others

_print_exc = traceback.print_exc


def _print_what_matters(*arguments: object, **options: object) -> None:
    if not isinstance(sys.exc_info()[1], BrokenPipeError):
        _print_exc(*arguments, **options)  # type: ignore[arg-type]


if {"pyspark.daemon", "spark.python_daemon"} & set(sys.orig_argv):
    traceback.print_exc = _print_what_matters
