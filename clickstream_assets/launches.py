"""What someone launches in Dagster: its configuration, and how it fails.

A run that cannot do what was asked for ends with one sentence, and is tried again only where that may help: a database
that is away comes back, a value that cannot be used stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import dagster as dg
import psycopg2
from pydantic import PrivateAttr, model_validator

from clickstream_assets.errors import ClickstreamError, SettingsError
from clickstream_assets.text import first_line

# A restart, a lost connection, a lock that was not had in time: what another attempt may find gone.
PASSING = (psycopg2.OperationalError, psycopg2.InterfaceError)


class LaunchConfig(dg.Config):
    """Values from the launchpad or the API."""

    _nulls: tuple[str, ...] = PrivateAttr(default=())

    @model_validator(mode="wrap")
    @classmethod
    def _note_nulls(cls, data: Any, handler: Callable[[Any], Self]) -> Self:
        """Dagster lets a null through where a value is wanted, and what refuses it then is a page of traceback."""
        values = data if isinstance(data, dict) else {}
        nulls = tuple(
            name
            for name, value in values.items()
            if value is None and name in cls.model_fields and cls.model_fields[name].default is not None
        )
        config = handler(
            {name: value for name, value in values.items() if name not in nulls} if nulls else data
        )
        config._nulls = nulls
        return config

    def check(self) -> None:
        """Raises SettingsError where a value is missing."""
        if self._nulls:
            raise SettingsError(f"{' and '.join(self._nulls)} is null: give a value, or leave the line out.")


@contextmanager
def failing_in_one_sentence(what: str) -> Iterator[None]:
    """Whatever goes wrong inside fails the run with a sentence that begins with `what`. Of what nobody expected, the
    traceback is kept.

    Raises:
        dg.Failure: with `allow_retries` where another attempt may pass.
    """
    try:
        yield
    except (dg.Failure, dg.RetryRequested):
        raise
    except ClickstreamError as error:
        raise dg.Failure(f"{what}: {error}", allow_retries=False) from None
    except PASSING as error:
        raise dg.Failure(f"{what}: {first_line(error)}", allow_retries=True) from None
    except psycopg2.Error as error:
        raise dg.Failure(f"{what}: the database refuses: {first_line(error)}", allow_retries=False) from error
    except Exception as error:
        raise dg.Failure(
            f"{what}: {type(error).__name__}: {first_line(error)}", allow_retries=False
        ) from error
