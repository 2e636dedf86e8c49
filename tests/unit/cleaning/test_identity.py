"""Identities of whole columns: the UUIDs that texts are, and the UUIDv5 that one value after the other would get."""

from __future__ import annotations

import re
import uuid

import pyarrow as pa
from hostile_values import event_ids
from hypothesis import given
from hypothesis import strategies as st
from made_ids import uuid_of_text, uuid_of_values

from clickstream_assets.contract import NAMESPACE
from spark.cleaning.identity import NO_VALUE, SEPARATOR, joined_values, name_uuids, numbered, read_uuids

USUAL = re.compile(r"[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5)
UUID = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"


def uuids(ids: object) -> list[uuid.UUID]:
    return [uuid.UUID(bytes=bytes(row)) for row in ids]  # type: ignore[attr-defined]


@given(st.lists(st.none() | event_ids | st.just(UUID), max_size=12), st.integers(0, 3))
def test_a_text_is_an_id_exactly_where_it_is_a_uuid_in_the_usual_notation(
    column: list[str | None], start: int
) -> None:
    ids, is_uuid = read_uuids(pa.array(column, pa.string())[start:])
    assert is_uuid.tolist() == [bool(text and USUAL.fullmatch(text)) for text in column[start:]]
    for text, found, is_one in zip(column[start:], uuids(ids), is_uuid, strict=True):
        assert found == (uuid.UUID(text) if is_one and text else uuid.UUID(int=0))


@given(st.lists(texts, max_size=5))
def test_a_text_that_is_none_gets_the_uuid_of_its_text(names: list[str]) -> None:
    assert uuids(name_uuids(name.encode() for name in names)) == [uuid_of_text(name) for name in names]


@given(st.lists(st.lists(st.none() | texts, min_size=7, max_size=7), min_size=1, max_size=5))
def test_a_row_without_an_id_gets_the_uuid_of_its_values(rows: list[list[str | None]]) -> None:
    names = joined_values([pa.array([row[at] for row in rows], pa.string()) for at in range(7)])
    assert uuids(name_uuids(names)) == [uuid_of_values(row) for row in rows]


def test_a_numbered_row_has_its_number_for_an_eighth_value() -> None:
    (name,) = joined_values([pa.array(["a"]), pa.array([None], pa.string())])
    assert numbered(name, 12) == f"a{SEPARATOR}{NO_VALUE}{SEPARATOR}12".encode()
    (found,) = uuids(name_uuids([numbered(name, 12)]))
    assert found == uuid.uuid5(NAMESPACE, f"a{SEPARATOR}{NO_VALUE}{SEPARATOR}12")
    assert (found.version, found.variant) == (5, uuid.RFC_4122)
