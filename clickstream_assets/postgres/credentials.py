"""The passwords of the database roles: from the settings, or made once and kept in the home.

The file, CLICKSTREAM_HOME/credentials.json, is readable by its owner alone. A password is never logged, nor given in
argv.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path

from clickstream_assets.errors import SettingsError
from clickstream_assets.home import make_home
from clickstream_assets.postgres.roles import ROLE_NAMES, Role
from clickstream_assets.settings import Settings


def given_password(settings: Settings, role: Role) -> str | None:
    """The password of `role` that the settings give. The owner's is for a URL that holds none."""
    given = {
        "owner": settings.database_password if settings.database_url is not None else None,
        "writer": settings.writer_password,
        "reader": settings.reader_password,
        "dagster": settings.dagster_password,
    }[role]
    return given.get_secret_value() if given is not None else None


class Credentials:
    """The passwords of one home. The file is read when the first password is asked for that only it holds."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._file = settings.home / "credentials.json"
        self._kept: Mapping[str, str] | None = None

    def password(self, role: Role) -> str:
        """The password of `role`, made and kept on first use.

        Raises:
            SettingsError: the file cannot be read or written.
        """
        if given := given_password(self._settings, role):
            return given
        if self._kept is None:
            self._kept = self._read()
        if not isinstance(self._kept, dict) or not isinstance(self._kept.get(role), str):
            raise SettingsError(f"{self._file} holds no password for '{role}': restore it from a backup.")
        return str(self._kept[role])

    def _read(self) -> Mapping[str, str]:
        try:
            if not self._file.exists():
                _write_new(self._file, {name: secrets.token_urlsafe(24) for name in ROLE_NAMES})
            text = self._file.read_text(encoding="utf-8")
        except OSError as error:
            raise SettingsError(f"{self._file} cannot be used: {error.strerror or error}.") from None
        except UnicodeDecodeError:
            return {}
        try:
            kept: Mapping[str, str] = json.loads(text)
        except ValueError:
            return {}
        return kept


def _write_new(file: Path, content: Mapping[Role, str]) -> None:
    """Write `file` whole unless another process was quicker: then its content stands."""
    make_home(file.parent)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "w") as output:
            json.dump(content, output, indent=2)
            output.flush()
            os.fsync(descriptor)
        with contextlib.suppress(FileExistsError):
            os.link(temporary, file)
    finally:
        Path(temporary).unlink()
