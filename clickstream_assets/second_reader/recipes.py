"""Where the text of a field comes from, row by row: what `[fields]` of a source mapping says, followed as it stands."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from clickstream_assets.second_reader.excerpts import KEYS, excerpt
from clickstream_assets.second_reader.layout import FileLayout
from clickstream_assets.second_reader.of_json.objects import DEEPEST, depth
from clickstream_assets.second_reader.of_json.within import Digits, no_number, said, step_into, steps_of
from clickstream_assets.second_reader.texts import BLANKS, Values, ascii_lower

Texts = Sequence[str]
_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{0,30})?")


class DefectError(ValueError):
    """A text that cannot be read on the way to a field. `reason` is that of the reject."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(reason)
        self.reason, self.text = reason, text


class AbsentColumnError(KeyError):
    """The file has no such column."""


class Recipes:
    """Makes recipes for one file into functions from a row's texts to a field's text."""

    def __init__(self, layout: FileLayout, values: Values, path: str, pattern: str | None) -> None:
        self._layout, self._values = layout, values
        self._path = path_says(path, pattern)
        self.defects: list[DefectError] = []  # of the row that was read last

    def of(self, recipe: Any) -> Callable[[Texts], str | None]:
        """What a value of `[fields]` means.

        Raises:
            AbsentColumnError: the file has not what it needs.
        """
        if isinstance(recipe, str):
            return self.column(recipe)
        get = self._plain(recipe)
        if any(key in recipe for key in KEYS):
            get = self._excerpt(get, recipe)
        if "lookup" in recipe:
            get = _looked_up(get, recipe["lookup"])
        return self._chosen(get, recipe["when"]) if "when" in recipe else get

    def column(self, name: str) -> Callable[[Texts], str | None]:
        return self.at(self.position(name))

    def at(self, position: int) -> Callable[[Texts], str | None]:
        return lambda texts: self._values.value(texts[position])

    def has(self, recipe: Any) -> bool:
        """Whether the file has all that it needs."""
        try:
            for part in recipe["sum"] if isinstance(recipe, dict) and "sum" in recipe else [recipe]:
                self.of(part)
        except AbsentColumnError:
            return False
        return True

    def position(self, name: str) -> int:
        """Raises: AbsentColumnError."""
        at = self._layout.position(name)
        if at is None:
            raise AbsentColumnError(name)
        return at

    def _plain(self, recipe: Mapping[str, Any]) -> Callable[[Texts], str | None]:
        if "constant" in recipe:
            text = str(recipe["constant"]).strip(BLANKS)
            return lambda _: text
        if "path" in recipe:
            said = self._path.get(recipe["path"])
            value = None if said is None else self._values.value(said)
            return lambda _: value
        if "first" in recipe:
            return self._first(recipe["first"])
        if "join" in recipe:
            parts, separator = [self.of(part) for part in recipe["join"]], recipe.get("with", " ")
            return lambda texts: _joined([part(texts) for part in parts], separator)
        get = self.column(recipe["column"])
        return self._within(get, steps_of(recipe["json"])) if "json" in recipe else get

    def _excerpt(
        self, get: Callable[[Texts], str | None], recipe: Mapping[str, Any]
    ) -> Callable[[Texts], str | None]:
        def part(texts: Texts) -> str | None:
            text = get(texts)
            found = None if text is None else excerpt(text, recipe)
            return None if found is None else self._values.value(found)

        return part

    def _first(self, recipes: Sequence[Any]) -> Callable[[Texts], str | None]:
        parts = []
        for recipe in recipes:
            try:
                parts.append(self.of(recipe))
            except AbsentColumnError:
                continue
        if not parts:
            raise AbsentColumnError(str(recipes[0]))

        def get(texts: Texts) -> str | None:
            found = [part(texts) for part in parts]
            return next((text for text in found if text is not None), None)

        return get

    def _within(
        self, get: Callable[[Texts], str | None], steps: Sequence[str | int | dict[str, str]]
    ) -> Callable[[Texts], str | None]:
        def value(texts: Texts) -> str | None:
            text = get(texts)
            if text is None:
                return None
            try:
                found = json.loads(text, parse_int=Digits, parse_float=Digits, parse_constant=no_number)
                if depth(found) > DEEPEST:
                    raise ValueError("too deep")
            except (ValueError, RecursionError):
                self.defects.append(DefectError("invalid_json", text))
                return None
            for step in steps:
                found = step_into(found, step)
            return None if found is None else self._values.value(said(found))

        return value

    def _chosen(self, get: Callable[[Texts], str | None], cases: Any) -> Callable[[Texts], str | None]:
        listed = [cases] if isinstance(cases, dict) else list(cases)
        subjects = ("column", "json", "path", "first", "join", "with", "lookup", *KEYS)
        made = [
            (self.of({key: value for key, value in case.items() if key in subjects}), case) for case in listed
        ]

        def text(texts: Texts) -> str | None:
            found = get(texts)
            # All of them are looked at, from the last: each may find a text that is no number.
            for subject, case in reversed(made):
                if self._holds(subject(texts), case):
                    found = str(case["then"]).strip(BLANKS)
            return found

        return text

    def _holds(self, text: str | None, case: Mapping[str, Any]) -> bool:
        if "missing" in case:
            return text is None
        if text is None:
            return False
        for key in ("is", "starts_with"):
            if key in case:
                words = [case[key]] if isinstance(case[key], str) else case[key]
                lower = [ascii_lower(word.strip(BLANKS)) for word in words]
                own = ascii_lower(text)
                return own in lower if key == "is" else any(own.startswith(word) for word in lower)
        if _NUMBER.fullmatch(text) is None:
            self.defects.append(DefectError("invalid_number", text))
            return False
        return float(text) < case["below"] if "below" in case else float(text) > case["above"]


def path_says(path: str, pattern: str | None) -> dict[str, str | None]:
    """What the path of a file says: its folders `name=value`, and what fits the pattern, which comes before them."""
    found: dict[str, str | None] = {}
    for folder in path.split("/")[:-1]:
        name, sign, value = folder.partition("=")
        if name and sign:
            found[name] = None if value == "__HIVE_DEFAULT_PARTITION__" else unquote(value)
    if pattern is not None:
        pieces = re.split(r"(\{\w+\}|\*)", pattern)
        expression = "".join(
            f"(?P<{piece[1:-1]}>[^/]+?)"
            if piece[:1] == "{"
            else "[^/]*?"
            if piece == "*"
            else re.escape(piece)
            for piece in pieces
        )
        fits = re.fullmatch(f"(?:.*/)?{expression}", path, re.DOTALL)
        found.update(fits.groupdict() if fits else {})
    return found


def _looked_up(get: Callable[[Texts], str | None], words: Mapping[str, str]) -> Callable[[Texts], str | None]:
    known = {ascii_lower(word.strip(BLANKS)): ours.strip(BLANKS) for word, ours in words.items()}

    def text(texts: Texts) -> str | None:
        found = get(texts)
        return None if found is None else known.get(ascii_lower(found), found)

    return text


def _joined(parts: Sequence[str | None], separator: str) -> str | None:
    return separator.join(part or "" for part in parts) if None not in parts else None
