"""One POST of an event to a data catalogue.

The key and what the address may hold are secrets: they are in no message.
"""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TIMEOUT = 5.0  # seconds
# Of these the same event may succeed later; every other 4xx says that this event never will.
PASSING = {401, 403, 404, 405, 407, 408, 409, 421, 423, 425, 429}


class NotDelivered(Exception):
    """The catalogue did not take an event, and may take it later. The message is half a sentence for the user."""


class Refused(Exception):
    """The catalogue will never take this event. The message is half a sentence for the user."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would send the event somewhere else, as a GET without its body."""

    def redirect_request(self, *_arguments: Any) -> None:
        return None


@dataclass(frozen=True)
class Catalogue:
    """Where events go."""

    url: str
    api_key: str | None = None

    def post(self, event: Mapping[str, Any]) -> None:
        """Post `event`.

        Raises:
            NotDelivered: the catalogue is away, or says that it cannot take the event now.
            Refused: it says that the event is wrong.
        """
        headers = {"Content-Type": "application/json", "User-Agent": "clickstream"}
        if self.api_key:
            headers["Authorization"] = f"Bearer {self.api_key}"
        try:
            request = urllib.request.Request(  # noqa: S310 (settings let http and https through alone)
                self.url, data=json.dumps(event).encode(), headers=headers, method="POST"
            )
            with urllib.request.build_opener(_NoRedirects).open(request, timeout=TIMEOUT):
                return
        except urllib.error.HTTPError as error:
            with error:
                reason = f"the catalogue answers with HTTP {error.code}"
            passing = error.code < 400 or error.code >= 500 or error.code in PASSING
            raise (NotDelivered if passing else Refused)(reason) from None
        except urllib.error.URLError as error:
            # The reason alone: the error itself may name the address.
            known = error.reason.strerror if isinstance(error.reason, OSError) else None
            raise NotDelivered(f"the catalogue cannot be reached: {known or 'no answer'}") from None
        except TimeoutError:
            raise NotDelivered(f"the catalogue does not answer within {TIMEOUT:.0f} s") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise NotDelivered(f"the catalogue cannot be reached: {type(error).__name__}") from None

    def __repr__(self) -> str:
        return "Catalogue()"
