"""The encodings of text that a file may have, by their names."""

from __future__ import annotations

import codecs

UTF_8 = "utf-8"

# Those that real files have. Not all that Python knows: some of its codecs are no encodings of text.
ENCODINGS = (
    UTF_8,
    "utf-16-le",
    "utf-16-be",
    "utf-32-le",
    "utf-32-be",
    *(f"cp{number}" for number in range(1250, 1259)),  # Windows-1252 and its like
    *(f"iso8859-{number}" for number in (*range(1, 12), *range(13, 17))),
    *(f"cp{number}" for number in (437, 737, 775, 850, 852, 855, 857, 858, 862, 864, 866, 874)),
    "koi8-r",
    "koi8-u",
    "mac-roman",
    "cp932",
    "shift_jis",
    "euc_jp",
    "gbk",
    "gb18030",
    "big5",
    "cp950",
    "euc_kr",
    "cp949",
)


def encoding_named(name: str) -> str | None:
    """The encoding that a name means, as Python calls it, in whatever spelling; None: it is none that is read."""
    try:
        found = codecs.lookup(name.strip()).name
    except (LookupError, ValueError):
        return None
    if found == "utf-16":
        return "utf-16-le"  # without a byte-order mark, which would tell
    if found == "utf-32":
        return "utf-32-le"
    return found if found in ENCODINGS else None
