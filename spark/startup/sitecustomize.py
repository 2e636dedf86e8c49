"""Run by Python itself at the start of each of Spark's Python processes, which find this directory on PYTHONPATH.

Spark puts a copy of pyspark in a zip before the installed one. Modules in a zip are compiled anew in every process:
half a second, before the first file of a stream and whenever a worker is started.
"""

import sys
from pathlib import Path

_others = [entry for entry in sys.path if not entry.endswith("pyspark.zip")]
if any(Path(entry, "pyspark", "__init__.py").is_file() for entry in _others):
    sys.path[:] = _others
