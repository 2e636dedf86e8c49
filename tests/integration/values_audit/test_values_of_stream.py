"""Two readers, one truth: what the real stream has stored is what the audit's own reader finds in the files."""

from __future__ import annotations

import gzip

import pytest
from click.testing import CliRunner
from stream_pipeline import Pipeline

from clickstream_assets.cli.__main__ import clickstream
from clickstream_assets.database import connect
from clickstream_assets.second_reader.mapping import AuditMapping
from clickstream_assets.values_audit.audit import audit_values
from clickstream_assets.values_audit.findings import ValuesAudit
from clickstream_assets.values_audit.opening import FilesToRead

pytestmark = pytest.mark.spark

OTHERS = """\
visitorid;event;itemid;user_session;timestamp;shop name
1;view;5;s1;1772366400123;north
2;addtocart;"6";s2;2026-03-01 12:00:00;"two
lines"
3;transaction;"7""8";s3;2026-03-01T12:00:00+02:00;
3;transaction;"7""8";s3;2026-03-01T12:00:00+02:00;
3;transaction;"78;s3;2026-03-01T12:00:00+02:00;
 ;view;9;s4;1772366400;
5;look;9;s4;1772366400;

6;view;9;s4
"""


def audit(pipeline: Pipeline, sample: int | None = None) -> ValuesAudit:
    reading = FilesToRead(pipeline.root, pipeline.settings.archive_dir, AuditMapping())
    connection = connect(pipeline.database.reader_url, "tests", autocommit=True)
    try:
        return audit_values(connection, reading, sample)
    finally:
        connection.close()


def test_a_history_with_every_fault_is_stored_as_it_is_in_its_files(pipeline: Pipeline) -> None:
    faults = ["--duplicates", "5%", "--malformed", "10%", "--late", "5%", "--seed", "7"]
    options = ["--events", "2000", "--files", "3", "--out", str(pipeline.root), *faults]
    assert CliRunner().invoke(clickstream, ["generate", *options]).exit_code == 0
    pipeline.write("others.csv", OTHERS, header="")
    pipeline.write("again.csv.gz", gzip.compress(OTHERS.encode()), header="")
    pipeline.load()
    result = audit(pipeline)
    assert result.offences == []
    assert (result.files, result.rows) == (5, 2016)
    assert min(result.events, result.rejects, result.duplicates) > 90
    assert audit(pipeline, 500).ok
