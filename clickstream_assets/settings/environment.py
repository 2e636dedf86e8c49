"""The environment as a source of settings: CLICKSTREAM_<NAME>, and for a secret also CLICKSTREAM_<NAME>_FILE.

A variable that is empty or blank is as one that is not set. The file of a secret holds its value alone, as Docker and
systemd provide it; where both are set, the variable counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from clickstream_assets.errors import SettingsError
from clickstream_assets.settings.values import variable_of


def is_secret(field: FieldInfo) -> bool:
    """Whether the value of a setting is a secret."""
    return _holds_secret(field.annotation)


def _holds_secret(annotation: Any) -> bool:
    return annotation is SecretStr or any(map(_holds_secret, get_args(annotation)))


def file_variable(name: str) -> str:
    """The variable that names the file of a secret."""
    return f"{variable_of(name)}_FILE"


class Environment(PydanticBaseSettingsSource):
    """The variables of one environment."""

    def __init__(self, settings_class: type[BaseSettings], variables: Mapping[str, str]) -> None:
        super().__init__(settings_class)
        self._variables = variables

    def __call__(self) -> dict[str, Any]:
        """The settings that are given, by their names, as texts.

        Raises:
            SettingsError: the file of a secret cannot be read, or is empty.
        """
        found = {}
        for name, field in self.settings_cls.model_fields.items():
            text, key, _ = self.get_field_value(field, name)
            if text is not None:
                found[key] = text
        return found

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[str | None, str, bool]:
        text = self._variables.get(variable_of(field_name), "")
        if not text.strip():
            return (self._in_file(field_name) if is_secret(field) else None), field_name, False
        # A password is taken as it is.
        return (text if field_name.endswith("_password") else text.strip()), field_name, False

    def secret_files(self) -> dict[str, str]:
        """The variables that name files of secrets, with absolute paths."""
        names = (
            file_variable(name) for name, field in self.settings_cls.model_fields.items() if is_secret(field)
        )
        return {name: str(file.absolute()) for name in names if (file := self._path(name)) is not None}

    def _path(self, variable: str) -> Path | None:
        text = self._variables.get(variable, "").strip()
        return Path(text) if text else None

    def _in_file(self, field_name: str) -> str | None:
        variable = file_variable(field_name)
        file = self._path(variable)
        if file is None:
            return None
        try:
            text = file.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise SettingsError(f"{variable} names {file}, which cannot be read: {reason}.") from None
        if not text.strip():
            raise SettingsError(f"{variable} names {file}, which is empty: write the value into it.")
        return text if field_name.endswith("_password") else text.strip()
