"""Files that Spark's own CSV writer wrote with its defaults are read as they were meant."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import SparkSession

from spark.content.content import Content
from spark.inspection.inspecting import inspect_file
from spark.reading.fields import Columns, split_records
from spark.reading.flags import Flag
from spark.reading.records import dialect_of, split_blocks

pytestmark = pytest.mark.spark

VALUES = [
    'Say "hi"',
    '{"a":1,"b":"c\\"d"}',
    "C:\\dir\\",
    'C:\\dir\\, and "more"',
    "two\nlines, \\n",
    'a\\"b',
    'ends with "',
    '\\\\server\\share, "x"',
    "plain",
]


def test_what_spark_writes_is_read_as_it_was_meant(spark: SparkSession, tmp_path: Path) -> None:
    names = ["user_id", "session_id", "action_type", "product_id", "event_time"]
    rows = [(value, "s", "view", "p", "t") for value in VALUES]
    spark.createDataFrame(rows, names).coalesce(1).write.csv(str(tmp_path / "out"), header=True)
    (file,) = (tmp_path / "out").glob("*.csv")
    found = inspect_file(os.fsencode(file))
    assert found.layout is not None
    assert found.layout.escape == "\\"
    (chunk,) = found.chunks
    with Content(os.fsencode(file)) as content:
        (records,) = split_blocks(
            content.text_blocks(None, chunk.byte_offset),
            offset=chunk.byte_offset,
            line=chunk.first_line,
            dialect=dialect_of(found.layout),
        )
    split = split_records(
        records.values, records.flags == Flag.NONE, Columns.of(found.layout, range(len(names)))
    )
    assert np.all(split.ok)
    assert split.texts[0].to_pylist() == VALUES
