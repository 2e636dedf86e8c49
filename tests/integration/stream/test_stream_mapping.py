"""A source mapping from the file to the tables: columns, words, formats and zones."""

from __future__ import annotations

import pytest
from stream_pipeline import BOTH_SINKS, Pipeline

from clickstream_assets.contract import Sink
from spark.mapping.mapping_file import mapping_of
from spark.mapping.source_mapping import SourceMapping

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


def mapped(**tables: object) -> SourceMapping:
    return mapping_of(tables, "mapping.toml")


@pytest.mark.parametrize("sink", BOTH_SINKS)
def test_another_producers_file_becomes_events(pipeline: Pipeline, sink: Sink) -> None:
    mapping = mapped(
        columns=COLUMNS | PRICE,
        actions={"angesehen": "view", "gekauft'), --": "purchase", "in den korb": "add_to_cart"},
        time={"format": "%d.%m.%Y %H:%M:%S", "zone": "Europe/Berlin"},
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


@pytest.mark.parametrize("sink", BOTH_SINKS)
def test_events_of_other_actions_without_a_session_are_stored(pipeline: Pipeline, sink: Sink) -> None:
    mapping = mapped(
        fields={
            "session_id": False,
            "user_id": {"column": "who", "json": "id"},
            "event_time": {"sum": [{"path": "date"}, {"column": "ms", "unit": "ms"}]},
            "action_type": {
                "column": "was",
                "when": [{"column": "Menge", "below": 0, "then": "remove_from_cart"}],
            },
        },
        events={"other_actions": ["suche"], "optional": ["user_id"], "identity": ["Menge"]},
        time={"time_of_day": "00:00"},
        price={"scale": 0.01},
        format={"header": ["was", "item", "who", "ms", "price", "Menge"]},
    )
    (pipeline.root / "date=2026-01-01").mkdir()
    rows = [
        'view,w1,"{""id"": 7}",1500,1999,1',
        'view,w1,"{""id"": 7}",1500,1999,2',
        'view,w1,"{""id"": 7}",1500,1999,-2',
        "suche,,,0,,1",
        "view,,,0,,1",
        'view,w1,"{",0,,1',
    ]
    pipeline.write("date=2026-01-01/a.csv", "\n".join(rows) + "\n", header="")
    pipeline.load(sink=sink, mapping=mapping)
    assert pipeline.rows(
        "SELECT user_id, session_id, action_type, product_id, price::text,"
        " (event_time AT TIME ZONE 'UTC')::text, extra->>'Menge' FROM events ORDER BY line_no"
    ) == [
        ("7", None, "view", "w1", "19.99", "2026-01-01 00:00:01.5", "1"),
        ("7", None, "view", "w1", "19.99", "2026-01-01 00:00:01.5", "2"),
        ("7", None, "remove_from_cart", "w1", "19.99", "2026-01-01 00:00:01.5", "-2"),
        (None, None, "suche", None, None, "2026-01-01 00:00:00", "1"),
    ]
    assert pipeline.reasons() == {"missing_product_id": 1, "invalid_json": 1}
    pipeline.assert_conserved()


def test_a_file_whose_path_does_not_say_what_the_mapping_takes_from_it_is_refused(pipeline: Pipeline) -> None:
    mapping = mapped(columns=COLUMNS, fields={"user_agent": {"path": "agent"}})
    pipeline.write("shop.csv", "2026-01-01 12:00:00;view;k1;b1;w1;;\n", HEADER)
    pipeline.load(mapping=mapping)
    assert pipeline.files() == [("rejected", "missing_path_part")]


def test_a_format_of_ten_digits_is_no_epoch_and_one_with_a_zone_keeps_it(pipeline: Pipeline) -> None:
    pipeline.write("hours.csv", "2026010112;view;k1;b1;w1;;\n", HEADER)
    pipeline.load(mapping=mapped(columns=COLUMNS, time={"format": "%Y%m%d%H", "zone": "America/New_York"}))
    pipeline.write("zones.csv", "01.01.2026 12:00 +05:00;view;k2;b1;w1;;\n", HEADER)
    pipeline.load(
        mapping=mapped(columns=COLUMNS, time={"format": "%d.%m.%Y %H:%M %z", "zone": "America/New_York"})
    )
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
    pipeline.load(mapping=mapped(columns=COLUMNS))
    assert pipeline.files() == [("rejected", "no_header"), ("committed", None)]
    assert pipeline.counts() == (1, 1, 0, 0)
    pipeline.assert_conserved()
