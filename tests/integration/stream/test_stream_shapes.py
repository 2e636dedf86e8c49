"""The shapes of other producers' files, through the real stream: a few lines of configuration each, and what is stored
is what the audit's own reader finds."""

from __future__ import annotations

import tomllib

import pytest
from shapes import SHAPES
from stream_pipeline import Pipeline
from test_stream_formats import audit

from spark.mapping.mapping_file import mapping_of

pytestmark = pytest.mark.spark


@pytest.mark.parametrize("name", list(SHAPES))
def test_a_shape_becomes_events(pipeline: Pipeline, name: str) -> None:
    shape = SHAPES[name]
    for path, content in shape.files.items():
        pipeline.write(path, content, "")
    pipeline.load(mapping=mapping_of(tomllib.loads(shape.mapping), "mapping.toml"))
    rejected = sum(shape.reasons.values())
    assert pipeline.reasons() == shape.reasons
    assert pipeline.counts() == (
        shape.inserted + shape.duplicate + rejected, shape.inserted, shape.duplicate, rejected,
    )  # fmt: skip
    result = audit(pipeline)
    assert (result.offences, result.rows) == ([], shape.inserted + shape.duplicate + rejected)
    pipeline.assert_conserved()
