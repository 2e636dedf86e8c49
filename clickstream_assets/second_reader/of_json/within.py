"""Values within the JSON of a column: the way to one, and its text."""

from __future__ import annotations

import json
import re
from typing import Any


def steps_of(path: Any) -> list[str | int | dict[str, str]]:
    if isinstance(path, list):
        return path
    steps: list[str | int | dict[str, str]] = []
    for bracket, piece in re.findall(r"\[([^\]]*)\]|([^.\[\]]+)", path.removeprefix("$.")):
        name, sign, text = bracket.partition("=")
        steps.append({name: text} if sign else int(bracket) if bracket else piece)
    return steps


class Digits(str):
    """A number of JSON, as it is written."""

    __slots__ = ()


def no_number(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


def step_into(value: Any, step: str | int | dict[str, str]) -> Any:
    if isinstance(step, dict):
        ((key, text),) = step.items()
        objects = [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
        named = (item for item in objects if item.get(key) is not None and said(item[key]) == text)
        return next(named, None)
    if isinstance(step, int):
        return value[step] if isinstance(value, list) and step < len(value) else None
    return value.get(step) if isinstance(value, dict) else None


def said(value: Any) -> str:
    text = value if isinstance(value, str) else _compact(value)
    # What no text in PostgreSQL can hold: halves of surrogate pairs, and NUL.
    return "".join("?" if letter == "\0" or "\ud800" <= letter <= "\udfff" else letter for letter in text)


def _compact(value: Any) -> str:
    if isinstance(value, dict):
        return (
            "{"
            + ", ".join(f"{json.dumps(k, ensure_ascii=False)}: {_compact(v)}" for k, v in value.items())
            + "}"
        )
    if isinstance(value, list):
        return f"[{', '.join(_compact(item) for item in value)}]"
    return value if isinstance(value, Digits) else json.dumps(value, ensure_ascii=False)
