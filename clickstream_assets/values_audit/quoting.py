"""The fields of one record: quotes, doubled quotes, and backslashes where a file escapes by them.

A field that begins with a quote is quoted: it ends at a quote that is followed by the delimiter or by the end. In
any other field a quote is a character like others.
"""

from __future__ import annotations

import re

FIELD_COUNT = "field_count"
_SPECIAL = re.compile(r'["\\]')
_ESCAPED = re.compile(rb"\\.", re.DOTALL)


class QuotingError(ValueError):
    """The record cannot be split. `reason` is that of the reject."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def has_open_quote(line: bytes, backslash: bool) -> bool:
    """Whether a line has an odd number of quotes."""
    if backslash and b"\\" in line:
        line = _ESCAPED.sub(b"", line)
    return line.count(b'"') % 2 == 1


def split_fields(text: str, delimiter: str, backslash: bool) -> list[str]:
    """The fields of a record without its line end.

    Raises:
        QuotingError: a quote is where it may not be, or the line ends within a field.
    """
    if '"' not in text:
        _check_line(text)
        return text.split(delimiter)
    fields = []
    at = 0
    while True:
        if text.startswith('"', at):
            value, at = _quoted(text, at + 1, delimiter, backslash)
        else:
            end = text.find(delimiter, at)
            value = text[at:] if end < 0 else text[at:end]
            _check_line(value)
            at = len(text) if end < 0 else end
        fields.append(value)
        if at == len(text):
            return fields
        at += 1


def _check_line(text: str) -> None:
    if "\r" in text or "\n" in text:
        raise QuotingError(FIELD_COUNT)


def _quoted(text: str, start: int, delimiter: str, backslash: bool) -> tuple[str, int]:
    """The value from behind the opening quote, and where it is followed by a delimiter or by the end."""
    pieces = []
    at = start
    while (found := _SPECIAL.search(text, at)) is not None:
        place = found.start()
        following = text[place + 1 : place + 2]
        if text[place] == "\\":
            escapes = backslash and following in ('"', "\\") and following != ""
            pieces.append(text[at:place] + (following if escapes else "\\"))
            at = place + (2 if escapes else 1)
        elif following == '"':
            pieces.append(text[at : place + 1])
            at = place + 2
        elif following in ("", delimiter):
            return "".join(pieces) + text[at:place], place + 1
        else:
            escaped = place > start and text[place - 1] == "\\"
            raise QuotingError("backslash_escape" if escaped else "text_after_quote")
    raise QuotingError("unbalanced_quote")
