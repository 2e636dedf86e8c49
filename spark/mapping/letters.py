"""Letters: which ones are blank, and small ones for capitals. Light to load."""

from __future__ import annotations

import string

# Unicode's white space, and the characters that show nothing at all.
BLANKS = (
    "\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b"
    "\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
)
_TO_SMALL = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def ascii_lower(text: str) -> str:
    """What Arrow's `ascii_lower` makes of a text: letters beyond A to Z stay as they are."""
    return text.translate(_TO_SMALL)
