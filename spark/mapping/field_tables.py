"""[fields] of a source mapping: our field = where its text comes from.

[fields]
user_id     = "Customer ID"                                   # a column
session_id  = false                                           # this producer has none
product_id  = { column = "properties", json = "item.sku" }    # a value within a column of JSON
session_id  = { column = "params", json = "[key=session].value" }  # of the item of a list whose `key` is that
action_type = { constant = "purchase" }                       # the same for every row
event_time  = { path = "date" }                               # of a folder date=…, or of the pattern in [format] path
user_id     = { first = ["userId", "anonymousId"] }           # the first that is not missing
event_time  = { join = ["Date", "Time"], with = " " }         # texts one after the other
event_time  = { sum = [{ column = "visitStartTime", unit = "s" }, { column = "hit", unit = "ms" }] }

Keys may be added to any of them but a sum:
split = ";", part = 2                                         # of the parts between these the second; -1: the last
query = "sku"                                                 # a parameter of a URL
after = "/product/", before = ["/", "?"]                      # what stands between these
decode = "percent"                                            # %20 is a blank
lookup = { "1" = "view" }                                     # words that are replaced; others stay as they are
when   = [{ column = "Quantity", below = 0, then = "remove_from_cart" }]   # the first that holds replaces the text
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, get_args

from clickstream_assets.contract import FIELDS
from spark.mapping.excerpt_tables import EXCERPT, read_excerpt
from spark.mapping.letters import BLANKS, ascii_lower
from spark.mapping.sources import (
    UNITS,
    Case,
    Cases,
    Column,
    Comparison,
    Constant,
    First,
    Join,
    JsonValue,
    Lookup,
    PathPart,
    Source,
    Step,
    Sum,
    Term,
)
from spark.mapping.tables import Place

KINDS = ("column", "constant", "path", "first", "join", "sum")
_KINDS = ", ".join(KINDS)
_BELONGS_TO = {"json": "column", "with": "join"}
_STEP = re.compile(r"(?:^|\.)([^.\[\]]+)|\[([0-9]{1,9})\]|\[([^=\[\]]+)=([^\[\]]+)\]")
MOST_PARTS = 50


def read_fields(table: Any, place: Place) -> dict[str, Source | None]:
    """The sources by field; None: the producer has no such field.

    Raises:
        SettingsError: something means nothing.
    """
    if not isinstance(table, dict):
        place.refuse('[fields] takes lines like user_id = "Customer ID".')
    place = place.within("fields")
    place.refuse_unknown(table, FIELDS)
    found: dict[str, Source | None] = {}
    for field, value in table.items():
        if value is False:
            found[field] = None
        else:
            found[field] = _source(value, place.within(field), may_sum=field == "event_time")
    return found


def _source(value: Any, place: Place, *, may_sum: bool = False) -> Source:
    if isinstance(value, str):
        return _column(value, place)
    if not isinstance(value, dict):
        place.refuse(
            f'{value!r} is no source: give a column, like "Customer ID", or a table with one of {_KINDS}.'
        )
    place.refuse_unknown(value, (*KINDS, *_BELONGS_TO, *EXCERPT, "lookup", "when"))
    kinds = [kind for kind in KINDS if kind in value]
    if len(kinds) != 1:
        place.refuse(f"it needs exactly one of {_KINDS}; there is {' and '.join(kinds) or 'none'}.")
    (kind,) = kinds
    for key, owner in _BELONGS_TO.items():
        if key in value and kind != owner:
            place.refuse(f"{key} goes with {owner}, not with {kind}.")
    if kind == "sum":
        if not may_sum:
            place.refuse("only event_time is a sum: of times and durations.")
        if more := [key for key in (*EXCERPT, "lookup", "when") if key in value]:
            place.refuse(f"a sum is no text: {more[0]} does not go with it.")
        return _sum(value["sum"], place)
    source = _plain_source(kind, value, place)
    if any(key in value for key in EXCERPT):
        source = read_excerpt(source, value, place)
    if "lookup" in value:
        source = Lookup(source, _words(value["lookup"], place))
    return Cases(_cases(value["when"], place), source) if "when" in value else source


def _plain_source(kind: str, value: Mapping[str, Any], place: Place) -> Source:
    what = value[kind]
    if kind in ("first", "join"):
        parts = tuple(_source(part, place) for part in _parts(what, kind, place))
        if kind == "first":
            return First(parts)
        separator = value.get("with", " ")
        if not isinstance(separator, str):
            place.refuse('with is the text between what is joined, like with = " ".')
        return Join(parts, separator)
    if not isinstance(what, str) or not what.strip(BLANKS):
        place.refuse(f"{kind} is {what!r}: give a text that is not empty.")
    if kind == "constant":
        return Constant(what.strip(BLANKS))
    if kind == "path":
        return PathPart(what)
    column = _column(what, place)
    return JsonValue(column, _steps(value["json"], place)) if "json" in value else column


def _column(name: str, place: Place) -> Column:
    if not name.strip():
        place.refuse("the name of a column is empty.")
    return Column(name.strip())


def _parts(values: Any, kind: str, place: Place) -> list[Any]:
    if not isinstance(values, list) or not 1 <= len(values) <= MOST_PARTS:
        place.refuse(f'{kind} takes a list, like {kind} = ["Date", "Time"].')
    return values


def _sum(values: Any, place: Place) -> Sum:
    terms = []
    for value in _parts(values, "sum", place):
        unit = None
        if isinstance(value, dict) and "unit" in value:
            unit = value["unit"]
            if unit not in UNITS:
                place.refuse(f"unit is {unit!r}: give one of {', '.join(UNITS)}.")
            value = {key: item for key, item in value.items() if key != "unit"}
        terms.append(Term(_source(value, place), unit))
    return Sum(tuple(terms))


def _steps(path: Any, place: Place) -> tuple[Step, ...]:
    """`item.sku`, `items[0].sku` and `params[key=id].value`; or a list, where a key has a point in it."""
    if isinstance(path, list) and path and all(_is_step(step) for step in path):
        return tuple(next(iter(step.items())) if isinstance(step, dict) else step for step in path)
    if not isinstance(path, str) or not path:
        place.refuse('json is a path, like json = "items[0].sku", or a list, like ["items", 0, "sku"].')
    text = path.removeprefix("$.") if path.startswith("$.") else path
    steps: list[Step] = []
    end = 0
    while end < len(text) and (found := _STEP.match(text, end)):
        key, number, name, value = found.groups()
        steps.append(key if key is not None else (name, value) if name is not None else int(number))
        end = found.end()
    if end < len(text):
        place.refuse(f"the path '{path}' cannot be read: write it like items[0].sku.")
    return tuple(steps)


def _is_step(step: Any) -> bool:
    if isinstance(step, dict):
        return len(step) == 1 and all(isinstance(value, str) for value in step.values())
    return isinstance(step, str) or (isinstance(step, int) and not isinstance(step, bool) and step >= 0)


def _words(table: Any, place: Place) -> tuple[tuple[str, str], ...]:
    if not isinstance(table, dict) or not table:
        place.refuse('lookup takes words and what stands for them, like lookup = { "1" = "view" }.')
    found: dict[str, str] = {}
    for theirs, ours in table.items():
        word = ascii_lower(theirs.strip(BLANKS))
        if not isinstance(ours, str) or not ours.strip(BLANKS):
            place.refuse(f"lookup: '{theirs}' stands for {ours!r}: give a text that is not empty.")
        if word in found:
            place.refuse(f"lookup: '{word}' is there twice; upper and lower case are the same.")
        found[word] = ours.strip(BLANKS)
    return tuple(found.items())


def _cases(values: Any, place: Place) -> tuple[Case, ...]:
    if isinstance(values, dict):
        values = [values]
    place = place.within("when")
    return tuple(_case(value, place) for value in _parts(values, "when", place))


def _case(value: Any, place: Place) -> Case:
    if not isinstance(value, dict):
        place.refuse('it takes tables like { column = "Quantity", below = 0, then = "remove_from_cart" }.')
    comparisons = get_args(Comparison)
    kinds = ("column", "json", "path", "first", "join", "with", "lookup", *EXCERPT)
    place.refuse_unknown(value, (*kinds, *comparisons, "then"))
    then = value.get("then")
    if not isinstance(then, str) or not then.strip(BLANKS):
        place.refuse('each needs the text that it gives, like then = "view".')
    chosen = [name for name in comparisons if name in value]
    if len(chosen) != 1:
        place.refuse(f"each needs exactly one of {', '.join(comparisons)}.")
    (comparison,) = chosen
    of = _source({key: item for key, item in value.items() if key in kinds}, place)
    return Case(of, comparison, _compared(comparison, value[comparison], place), then.strip(BLANKS))


def _compared(comparison: Comparison, value: Any, place: Place) -> tuple[str, ...]:
    if comparison == "missing":
        if value is not True:
            place.refuse("missing = true is all that it can say.")
        return ()
    if comparison in ("below", "above"):
        if isinstance(value, bool) or not isinstance(value, int | float) or value - value != 0:
            place.refuse(f"{comparison} takes a number, like {comparison} = 0.")
        return (repr(value),)
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not values or not all(isinstance(v, str) and v for v in values):
        place.refuse(f'{comparison} takes a text or a list of texts, like {comparison} = "C".')
    words = [text.strip(BLANKS) for text in values]
    return tuple(ascii_lower(word) for word in words)
