"""Rows as objects of JSON, in all the ways in which the same thing can be written; and lines that are none."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from hypothesis import strategies as st

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_JSON = re.compile(r"[\[{].*[\]}]", re.DOTALL)
BLANK = st.sampled_from(["", "", "", " ", "\t", " \r"])


@st.composite
def written(draw: st.DrawFn, row: dict[str, str]) -> str:
    """The object of a row: what is empty is null, or empty, or left out."""
    members = []
    for name in draw(st.permutations(sorted(row))):
        text = row[name]
        if text or draw(st.booleans()):
            members.append(
                f"{draw(BLANK)}{_string(draw, name)}{draw(BLANK)}:{_value(draw, text)}{draw(BLANK)}"
            )
    return f"{draw(BLANK)}{{{','.join(members)}}}{draw(BLANK)}"


def _value(draw: st.DrawFn, text: str) -> str:
    if not text:
        return draw(st.sampled_from(["null", '""']))
    if draw(st.booleans()) and (_NUMBER.fullmatch(text) or text in ("true", "false")):
        return text
    if draw(st.booleans()) and _is_compact(text):
        return text
    return _string(draw, text)


def _is_compact(text: str) -> bool:
    """Whether it is JSON as a value of it is kept."""
    if not _JSON.fullmatch(text):
        return False
    try:
        return json.dumps(json.loads(text), ensure_ascii=False) == text
    except ValueError:
        return False


def _string(draw: st.DrawFn, text: str) -> str:
    found = json.dumps(text, ensure_ascii=draw(st.booleans()))
    return found.replace("/", "\\/") if draw(st.booleans()) else found


NO_OBJECTS = (
    b"[1]", b"5", b"null", b'"x"', b"{", b"}", b"{}", b"{}{}", b'{"user_id":1', b'"a":2}', b'{"user_id":}',
    b'{"user_id":1,}', b'{"user_id":01}', b'{"user_id":NaN}', b'{"user_id":-Infinity}', b'{"user_id":1.}',
    b'{"user_id":"\\ud800"}', b'{"user_id":"\\ud83d\\ude00"}', b'{"\\udc00":1}', b'{"user_id":"\\u0000"}',
    b'{"\\u0000":1}', b'{"user_id":{"a":"\\u0000"}}', b'{"user_id":{"a":"\\udfff"}}', b'{"user_id":"a\tb"}',
    b'{"user_id":"\xff"}', b'{"user_id":"\0"}', b"\xef\xbb\xbf{}", b'{"user_id":' + b"[" * 199 + b"]" * 199 + b"}",
    b'{"user_id":' + b"[" * 200 + b"]" * 200 + b"}", b'{"user_id":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    b'{"user_id":-0,"session_id":-0.0,"price":-0e0}',
    b'{"user_id":1e999,"price":1E+2,"session_id":100000000000000000000}',
    b'{"user_id":' + b"9" * 5_000 + b"}", b'{"user_id":1,"user_id":2}', b'{"user_id":1,"user_id":null}',
    b'{"\\u0075ser_id":"x","k\\"\\n":1}', b'{"x":[1.50,{"b":1e5,"a":true}],"y":{}}', b'{"user_id":true,"price":false}',
    b'{"user_id":""}', b"{'user_id':1}", b'{"user_id":1}//', b"x" * 200, b'{"user_id":"' + b"x" * 200 + b'"}',
    b'{"user_id" : 1 , "action" : "view", "ts":1772366400, "session_id":"s","product_id":7}', b" ", b"",
    b"\r", b"\x0b{}",
)  # fmt: skip


def lines(pieces: Sequence[bytes]) -> bytes:
    return b"\n".join(pieces)
