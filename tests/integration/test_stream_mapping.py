"""A source mapping from the file to the tables: columns, words, formats and zones."""

from __future__ import annotations

import pytest
from stream_pipeline import BOTH_SINKS, Pipeline

from clickstream_assets.contract import Sink
from spark.cleaning.source_mapping import SourceMapping

pytestmark = pytest.mark.spark

COLUMNS = {
    "kunde": "user_id",
    "besuch": "session_id",
    "was": "action_type",
    "ware": "product_id",
    "wann": "event_time",
}
HEADER = "Wann;Was;Kunde;Besuch;Ware;Preis;Filiale\n"
PRICE = {"preis": "price"}


@pytest.mark.parametrize("sink", BOTH_SINKS)
def test_another_producers_file_becomes_events(pipeline: Pipeline, sink: Sink) -> None:
    mapping = SourceMapping(
        COLUMNS | PRICE,
        {"angesehen": "view", "gekauft'), --": "purchase", "in den korb": "add_to_cart"},
        "%d.%m.%Y %H:%M:%S",
        "Europe/Berlin",
    )
    rows = [
        "01.07.2026 12:00:00;angesehen;k1;b1;w1;;Mitte",
        "01.01.2026 12:00:00;In den Korb;k1;b1;w1;9.99;",
        "2026-01-01 12:00:00;Gekauft'), --;k1;b1;w1;9.99;",
        "2026-01-01T12:00:00Z;view;k2;b2;w1;;",
        "1767268800;view;k3;b3;w1;;",
        "31.02.2026 12:00:00;angesehen;k4;b4;w1;;",
        "01.01.2026 12:00:00;verschenkt;k5;b5;w1;;",
    ]
    pipeline.write("shop.csv", "\n".join(rows) + "\n", HEADER)
    pipeline.load(sink=sink, mapping=mapping)
    found = pipeline.rows(
        "SELECT user_id, action_type, (event_time AT TIME ZONE 'UTC')::text, price::text, extra->>'Filiale' FROM events"
        " ORDER BY line_no"
    )
    assert found == [
        ("k1", "view", "2026-07-01 10:00:00", None, "Mitte"),
        ("k1", "add_to_cart", "2026-01-01 11:00:00", "9.99", None),
        ("k1", "purchase", "2026-01-01 11:00:00", "9.99", None),
        ("k2", "view", "2026-01-01 12:00:00", None, None),
        ("k3", "view", "2026-01-01 12:00:00", None, None),
    ]
    assert pipeline.reasons() == {"invalid_event_time": 1, "unknown_action_type": 1}
    pipeline.assert_conserved()


def test_a_format_of_ten_digits_is_no_epoch_and_one_with_a_zone_keeps_it(pipeline: Pipeline) -> None:
    pipeline.write("hours.csv", "2026010112;view;k1;b1;w1;;\n", HEADER)
    pipeline.load(mapping=SourceMapping(COLUMNS, {}, "%Y%m%d%H", "America/New_York"))
    pipeline.write("zones.csv", "01.01.2026 12:00 +05:00;view;k2;b1;w1;;\n", HEADER)
    pipeline.load(mapping=SourceMapping(COLUMNS, {}, "%d.%m.%Y %H:%M %z", "America/New_York"))
    found = pipeline.rows("SELECT (event_time AT TIME ZONE 'UTC')::text FROM events ORDER BY id")
    assert found == [("2026-01-01 17:00:00",), ("2026-01-01 07:00:00",)]
    pipeline.assert_conserved()


def test_a_file_refused_for_its_header_is_read_under_another_name_once_it_is_mapped(
    pipeline: Pipeline,
) -> None:
    path = pipeline.write("shop.csv", "2026-01-01 12:00:00;view;k1;b1;w1;;\n", HEADER)
    pipeline.load()
    assert pipeline.files() == [("rejected", "no_header")]
    path.rename(path.with_name("shop-again.csv"))
    pipeline.load(mapping=SourceMapping(COLUMNS))
    assert pipeline.files() == [("rejected", "no_header"), ("committed", None)]
    assert pipeline.counts() == (1, 1, 0, 0)
    pipeline.assert_conserved()
