"""Text in other encodings: as UTF-8 it says the same, and what is no text stays no text."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream_assets.second_reader.unpacking import in_utf8, text_encoding
from spark.content.encodings import as_utf8, encoding_of
from spark.mapping.encodings import ENCODINGS, encoding_named

MARKED = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(data=st.data(), size=st.integers(1, 9))
def test_text_says_the_same_in_utf8(encoding: str, data: st.DataObject, size: int) -> None:
    text = data.draw(st.text(st.characters(codec="utf-8"), max_size=40))
    raw = text.encode(encoding, "ignore")
    assert b"".join(as_utf8(pieces(raw, size), encoding)) == raw.decode(encoding).encode()


@pytest.mark.parametrize("encoding", [name for name in ENCODINGS if name != "utf-8"])
@given(raw=st.binary(max_size=60), size=st.integers(1, 9))
def test_bytes_that_are_no_text_are_none_in_utf8_either(encoding: str, raw: bytes, size: int) -> None:
    found = b"".join(as_utf8(pieces(raw, size), encoding))
    assert found == b"".join(in_utf8(iter([raw]), encoding))
    try:
        raw.decode(encoding)
    except UnicodeDecodeError:
        with pytest.raises(UnicodeDecodeError):
            found.decode("utf-8")
    else:
        found.decode("utf-8")


@pytest.mark.parametrize(("written", "encoding"), MARKED.items())
def test_a_mark_at_the_beginning_comes_before_what_the_mapping_says(written: str, encoding: str) -> None:
    beginning = "user_id".encode(written)
    assert encoding_of(beginning, "cp1252") == text_encoding(beginning, "cp1252") == encoding


@pytest.mark.parametrize("start", [b"replay_of,user_id\n", b'{"replay_of":"1:2"}', b"replay_of;\xff"])
def test_what_a_replay_wrote_is_utf8_whatever_the_mapping_says(start: bytes) -> None:
    assert encoding_of(start, "utf-16-le") == text_encoding(start, "utf-16-le") == "utf-8"


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("Windows-1252", "cp1252"),
        ("latin-1", "iso8859-1"),
        (" UTF-16LE ", "utf-16-le"),
        ("utf16", "utf-16-le"),
        ("Shift-JIS", "shift_jis"),
        ("rot13", None),
        ("utf-7", None),
        ("base64", None),
        ("unicode_escape", None),
        ("klingon", None),
        ("a\0b", None),
    ],
)
def test_an_encoding_is_named_as_people_name_it(name: str, encoding: str | None) -> None:
    assert encoding_named(name) == encoding


def test_all_encodings_have_the_name_that_python_gives_them() -> None:
    assert [codecs.lookup(name).name for name in ENCODINGS] == list(ENCODINGS)
