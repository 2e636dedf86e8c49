"""Where a field comes from, in words."""

from __future__ import annotations

from spark.mapping.sources import (
    Case,
    Cases,
    Column,
    Constant,
    Excerpt,
    First,
    Join,
    JsonValue,
    Lookup,
    PathPart,
    Source,
    Step,
    Sum,
)


def described(source: Source) -> str:
    """A source on one line."""
    match source:
        case Column(name, _):
            return name
        case Constant(text):
            return f"always {text!r}"
        case PathPart(name):
            return f"{name} of the path"
        case JsonValue(column, steps):
            return f"{'.'.join(map(_step, steps))} in the JSON of {column.name}"
        case Join(parts, separator):
            return f"{f' {separator!r} '.join(map(described, parts))}, joined"
        case First(parts):
            return " or else ".join(map(described, parts))
        case Sum(terms):
            return " + ".join(
                f"{described(term.of)}{f' ({term.unit})' if term.unit else ''}" for term in terms
            )
        case Excerpt(of):
            return f"{_excerpt(source)} of {described(of)}"
        case Lookup(of, words):
            return f"{described(of)}, looked up among {len(words):,} words"
        case Cases(cases, otherwise):
            return f"{described(otherwise)}; {'; '.join(map(_case, cases))}"


def _excerpt(what: Excerpt) -> str:
    parts = [f"part {what.part} between {what.split!r}"] if what.split is not None else []
    parts += [f"the parameter {what.query}"] if what.query is not None else []
    parts += [f"what is after {what.after!r}"] if what.after is not None else []
    parts += [f"what is before {' or '.join(map(repr, what.before))}"] if what.before else []
    return ", ".join([*parts, *(["decoded"] if what.is_percent else [])])


def _step(step: Step) -> str:
    return f"[{step[0]}={step[1]}]" if isinstance(step, tuple) else str(step)


def _case(case: Case) -> str:
    compared = {"is": "is", "starts_with": "starts with", "below": "is below", "above": "is above"}
    what = f"{compared[case.comparison]} {' or '.join(case.values)}" if case.values else "is missing"
    return f"{case.then!r} where {described(case.of)} {what}"
