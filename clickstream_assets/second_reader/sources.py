"""The fields of one file: which are columns by their names, and which the mapping makes of something else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from clickstream_assets.contract import FIELDS, REQUIRED
from clickstream_assets.second_reader.excerpts import KEYS
from clickstream_assets.second_reader.layout import FileLayout, LayoutError
from clickstream_assets.second_reader.mapping import AuditMapping
from clickstream_assets.second_reader.recipes import AbsentColumnError, Recipes
from clickstream_assets.second_reader.texts import BLANKS

Texts = Sequence[str]


class Sources:
    """`ours`: the columns that nothing is left of for `extra`. `in_order`: the fields, the time last."""

    in_order = (*(field for field in FIELDS if field != "event_time"), "event_time")

    def __init__(self, layout: FileLayout, mapping: AuditMapping, recipes: Recipes) -> None:
        """Raises: LayoutError: the mapping names a column that the file has not."""
        claimed = layout.fields(mapping.columns, mapping.fields)
        self.optional = {*mapping.optional, *(name for name in REQUIRED if mapping.fields.get(name) is False)}
        self.ours = set(claimed.values())
        self._columns: dict[str, int] = claimed
        self._get: dict[str, Callable[[Texts], str | None]] = {
            field: recipes.at(at) for field, at in claimed.items()
        }
        self._parts: list[tuple[Callable[[Texts], str | None], str | None]] | None = None
        for field, recipe in mapping.fields.items():
            if recipe is False:
                continue
            try:
                self._add(field, recipe, recipes)
            except AbsentColumnError as error:
                if field not in mapping.optional:
                    raise LayoutError(f"There is no column {error.args[0]}.") from None
        try:
            self._identity = [(name, recipes.column(name)) for name in mapping.identity]
        except AbsentColumnError as error:
            raise LayoutError(f"There is no column {error.args[0]}.") from None

    def _add(self, field: str, recipe: Any, recipes: Recipes) -> None:
        if isinstance(recipe, dict) and "sum" in recipe:
            parts = []
            for part in recipe["sum"]:
                unit = part.get("unit") if isinstance(part, dict) else None
                bare = {key: value for key, value in part.items() if key != "unit"} if unit else part
                parts.append((recipes.of(bare), unit))
            self._parts = parts
            self._get[field] = self._sum_as_text
        else:
            self._get[field] = recipes.of(recipe)
        name = recipe.get("column") if isinstance(recipe, dict) and not set(recipe) - {"column"} else recipe
        if isinstance(name, str):
            self._columns[field] = recipes.position(name)
        self.ours |= {recipes.position(column) for column in _whole(recipe, recipes)}

    def text(self, field: str, texts: Texts) -> str | None:
        get = self._get.get(field)
        return None if get is None else get(texts)

    def written(self, field: str, texts: Texts) -> str | None:
        """What stands in the column that a field is, though it means nothing."""
        at = self._columns.get(field)
        return None if at is None else texts[at].strip(BLANKS) or None

    def parts_of_time(self, texts: Texts) -> list[tuple[str, str | None]] | None:
        """Of a time that is a sum: its texts and their units."""
        return None if self._parts is None else [(get(texts) or "", unit) for get, unit in self._parts]

    def identity(self, texts: Texts) -> Iterator[str | None]:
        """What tells rows apart besides the fields."""
        for name, get in self._identity:
            value = get(texts)
            yield None if value is None else f"{name}={value}"

    def _sum_as_text(self, texts: Texts) -> str | None:
        found = [get(texts) for get, _ in self._parts or ()]
        return None if None in found else " + ".join(text or "" for text in found)


def _whole(recipe: Any, recipes: Recipes) -> Iterator[str]:
    """The columns that a field takes whole."""
    if isinstance(recipe, str):
        yield recipe
    elif any(key in recipe for key in KEYS):
        return  # of which a part is taken
    elif "column" in recipe:
        if "json" not in recipe:
            yield recipe["column"]
    elif "first" in recipe:
        yield from _whole(next(part for part in recipe["first"] if recipes.has(part)), recipes)
    else:
        for part in (*recipe.get("join", ()), *recipe.get("sum", ())):
            yield from _whole(part, recipes)
