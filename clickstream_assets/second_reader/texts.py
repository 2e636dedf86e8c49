"""Texts: which characters are blank, small letters of ASCII, and which words say that there is no value."""

from __future__ import annotations

import string
from collections.abc import Iterable

BLANKS = (
    "\t\n\v\f\r \x85\xa0\u1680"
    "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b"
    "\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
)
_TO_SMALL = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def ascii_lower(text: str) -> str:
    """A to Z become small; letters beyond ASCII stay, so that none becomes one of ASCII."""
    return text.lower() if text.isascii() else text.translate(_TO_SMALL)


class Values:
    """Makes values of texts. `nothing`: the words that say that there is none; the empty text always does."""

    def __init__(self, nothing: Iterable[str]) -> None:
        self._nothing = frozenset(ascii_lower(word.strip(BLANKS)) for word in nothing) | {""}
        self._longest = max(map(len, self._nothing))

    def value(self, text: str) -> str | None:
        """The trimmed text, or None where it says nothing."""
        text = text.strip(BLANKS)
        if len(text) <= self._longest and ascii_lower(text) in self._nothing:
            return None
        return text
