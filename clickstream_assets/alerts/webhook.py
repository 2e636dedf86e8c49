"""Sends an alert to the webhook: one POST of JSON.

The address is a secret, as whoever has it can post: it is in no error, no log and no metadata.
"""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

TIMEOUT = 4.0  # seconds: the daemon evaluates the other sensors after this one


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would send the alert somewhere else, as a GET without its body."""

    def redirect_request(self, *_arguments: Any) -> None:
        return None


def deliver(url: str, body: Mapping[str, Any]) -> str | None:
    """Post `body`. Returns None where the receiver took it, else what went wrong, without the address."""
    try:
        request = urllib.request.Request(  # noqa: S310 (settings let http and https through alone)
            url,
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "User-Agent": "clickstream"},
            method="POST",
        )
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=TIMEOUT):
            return None
    except urllib.error.HTTPError as error:
        with error:
            return f"the receiver answers with HTTP {error.code}"
    except urllib.error.URLError as error:
        # The reason alone: the error itself may name the address.
        reason = error.reason.strerror if isinstance(error.reason, OSError) else None
        return f"it cannot be reached: {reason or 'no answer'}"
    except TimeoutError:
        return f"it does not answer within {TIMEOUT:.0f} s"
    except (OSError, http.client.HTTPException, ValueError) as error:
        return f"it cannot be reached: {type(error).__name__}"
