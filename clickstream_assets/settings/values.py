"""The kinds of values that a setting may have: what is taken, and the sentence for what is not.

A value that cannot be used is told with the name of its variable. One that is a secret is not repeated.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, get_args

from pydantic import BeforeValidator, SecretStr, ValidationInfo

from clickstream_assets.contract import IdenticalRows, Sink
from clickstream_assets.database_url import check_url
from clickstream_assets.errors import SettingsError
from clickstream_assets.text import printable

PREFIX = "CLICKSTREAM_"
MOST_DAYS = 100 * 366

# ASCII digits alone: float() also reads nan, 1_000 and the digits of other scripts.
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_WHOLE = re.compile(r"[0-9]{1,9}")
_MASTER = re.compile(
    r"local(\[(\*|[1-9][0-9]*)(, *[0-9]+)?\])?|local-cluster\[[0-9, ]+\]|yarn|(spark|k8s)://\S+"
)


def variable_of(field: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + field.upper()


def _refuse(info: ValidationInfo, text: str, advice: str) -> NoReturn:
    raise SettingsError(f"{variable_of(info.field_name or '')} is '{printable(text)}': {advice}.")


def _texts(check: Callable[[str, ValidationInfo], object]) -> BeforeValidator:
    """A check of what the environment says. What the program itself gives is taken as it is."""

    def validate(value: Any, info: ValidationInfo) -> object:
        return check(value, info) if isinstance(value, str) else value

    return BeforeValidator(validate)


def _amount(text: str, info: ValidationInfo) -> float:
    if not _NUMBER.fullmatch(text):
        _refuse(info, text, "give a number")
    value = float(text)
    if value < 0:
        _refuse(info, text, "give a number that is not negative")
    if not math.isfinite(value):
        _refuse(info, text, "give a number that is not that large")
    return value


def _whole(most: int, advice: str) -> BeforeValidator:
    def check(text: str, info: ValidationInfo) -> int:
        if not _WHOLE.fullmatch(text) or not 1 <= int(text) <= most:
            _refuse(info, text, advice)
        return int(text)

    return _texts(check)


def _matching(pattern: str | re.Pattern[str], advice: str) -> BeforeValidator:
    def check(text: str, info: ValidationInfo) -> str:
        if not re.fullmatch(pattern, text):
            _refuse(info, text, advice)
        return text

    return _texts(check)


def _choice(of: object) -> BeforeValidator:
    words = get_args(of)

    def check(text: str, info: ValidationInfo) -> str:
        if text not in words:
            _refuse(info, text, f"give one of {', '.join(words)}")
        return text

    return _texts(check)


def _switch(text: str, info: ValidationInfo) -> bool:
    if text not in ("0", "1"):
        _refuse(info, text, "give one of 0, 1")
    return text == "1"


def _path(text: str, info: ValidationInfo) -> Path:
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError:
        _refuse(info, text, "there is no such user; write the whole path")


def _database_url(text: str, info: ValidationInfo) -> SecretStr:
    return SecretStr(check_url(variable_of(info.field_name or ""), text))


def _password(text: str, info: ValidationInfo) -> SecretStr:
    if "\0" in text:  # of a file: libpq refuses it, and shows it
        raise SettingsError(
            f"{variable_of(info.field_name or '')} holds a NUL byte, which no server takes: write it anew."
        )
    return SecretStr(text)


def _webhook(text: str, info: ValidationInfo) -> SecretStr:
    # Only that: `file:` and others would do something else.
    if not text.startswith(("https://", "http://")):
        raise SettingsError(
            f"{variable_of(info.field_name or '')} is no address of the web: it must start with https:// or http://."
        )
    return SecretStr(text)


def _role_prefix(text: str, info: ValidationInfo) -> str:
    # PostgreSQL cuts longer names, and keeps those that begin with pg_ to itself.
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", text) or text.startswith("pg_") or text == "pg":
        _refuse(info, text, "give up to 40 of a-z, 0-9 and _, the first a letter, and not pg_ in front")
    return text


AlertLevel = Literal["error", "warn"]
FinishedFiles = Literal["keep", "archive", "delete"]

SinkChoice = Annotated[Sink, _choice(Sink)]
IdenticalRowsChoice = Annotated[IdenticalRows, _choice(IdenticalRows)]
AlertLevelChoice = Annotated[AlertLevel, _choice(AlertLevel)]
FinishedFilesChoice = Annotated[FinishedFiles, _choice(FinishedFiles)]

Amount = Annotated[float, _texts(_amount)]  # not negative, and finite
Days = Annotated[int, _whole(MOST_DAYS, "give a whole number of days, at least 1")]
Cores = Annotated[int, _whole(10**9, "give a whole number, at least 1")]
Port = Annotated[int, _whole(65535, "give a port number from 1 to 65535")]
Switch = Annotated[bool, _texts(_switch)]
AbsolutePath = Annotated[Path, _texts(_path)]
DatabaseUrl = Annotated[SecretStr, _texts(_database_url)]
Webhook = Annotated[SecretStr, _texts(_webhook)]
Password = Annotated[SecretStr, _texts(_password)]
RolePrefix = Annotated[str, _texts(_role_prefix)]
Memory = Annotated[str, _matching(r"[1-9][0-9]*[kmgtKMGT]", "give a size like 2g or 512m")]
Host = Annotated[str, _matching(r"[^\s/]+", "give the name or the address of a machine")]
SparkMaster = Annotated[str, _matching(_MASTER, "give one like local[*] or spark://host:7077")]
