"""The process that Spark forks its Python workers from, with all loaded that they need (`spark.python.daemon.module`).

Spark's own one has nothing loaded, and each worker loads it anew, for half a second, before its first file. Loaded
once, before they are forked, it also is in memory once.
"""

from __future__ import annotations

import gc

import pyspark.worker  # noqa: F401
from pyspark.daemon import manager

import spark.source.task  # noqa: F401

if __name__ == "__main__":
    gc.freeze()  # or else each worker's first collection would copy what it shares with the others
    manager()
