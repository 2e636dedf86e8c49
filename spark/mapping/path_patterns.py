"""What the path of a file says: folders of the kind `name=value`, and names that fit a pattern.

A pattern is of the end of the path: `{name}` is any text but a slash, `*` the same without a name. `orders/{day}.csv`
looks at the last folder, too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import unquote

NO_VALUE = "__HIVE_DEFAULT_PARTITION__"  # what Hive and Spark call a folder of nulls

_PIECE = re.compile(r"\{([A-Za-z][A-Za-z0-9_]{0,30})\}|(\*)|([{}])|([^{}*]+)")
MOST_NAMES = 20


class PatternError(ValueError):
    """A pattern that means nothing. The message is a sentence without an end."""


@lru_cache(64)
def path_pattern(pattern: str) -> re.Pattern[str]:
    """The pattern as an expression with a named group for each name.

    Raises:
        PatternError: it has a stray brace, a name twice, or two names with nothing between them.
    """
    expression = ""
    was_open = False
    names: list[str] = []
    for name, star, brace, text in (found.groups() for found in _PIECE.finditer(pattern)):
        if brace:
            raise PatternError(f"'{pattern}' has a brace that belongs to no name: write {{day}}")
        if text:
            expression += re.escape(text)
            was_open = False
            continue
        if was_open:
            raise PatternError(
                f"'{pattern}' has two names with nothing between them: where would the first end"
            )
        was_open = True
        if name in names:
            raise PatternError(f"'{pattern}' has the name {name} twice")
        names += [name] if name else []
        expression += f"(?P<{name}>[^/]+?)" if name else ("[^/]*?" if star else "")
    if len(names) > MOST_NAMES:
        raise PatternError(f"'{pattern}' has over {MOST_NAMES} names")
    return re.compile(rf"(?:.*/)?{expression}", re.DOTALL)


def path_parts(path: str, pattern: str | None) -> Mapping[str, str | None]:
    """What a path, relative to the directory of its source, says. The pattern comes before folders, a folder that is
    further in before one further out; None: the folder says that there is no value."""
    found: dict[str, str | None] = {}
    for folder in path.split("/")[:-1]:
        name, equals, value = folder.partition("=")
        if name and equals:
            found[name] = None if value == NO_VALUE else unquote(value)
    if pattern is not None and (match := path_pattern(pattern).fullmatch(path)) is not None:
        found |= match.groupdict()
    return found
