"""The check `schema_drift`: headers that were never seen before, and files of which nothing could be read."""

from __future__ import annotations

from clickstream_assets import thresholds
from clickstream_assets.checks.judgement import EXAMPLES_SHOWN, Judgement
from clickstream_assets.checks.look import Look
from clickstream_assets.checks.on_events.headers import Headers, read_headers
from clickstream_assets.text import count, duration


def read(look: Look) -> Headers:
    """Whether files of the last day came with a header that was never seen before, or could not be read at all."""
    return read_headers(look.connection, thresholds.HEADER_WINDOW_SECONDS)


def judge(headers: Headers) -> Judgement:
    """The worst of three counts."""
    metadata = {
        "headers_new": len(headers.new),
        "headers_known": len(headers.known),
        "files_with_unusable_header": headers.unusable,
        "files_unreadable": headers.unreadable,
        "window_seconds": float(headers.window_seconds),
    }
    changes = headers.changes()[-EXAMPLES_SHOWN:]
    files = {group.reason: {"files": group.files, "newest": list(group.paths)} for group in headers.rejected}
    verdict = thresholds.worst(
        thresholds.NEW_HEADERS.verdict(len(headers.new)),
        thresholds.UNREADABLE_FILES.verdict(headers.unreadable),
        thresholds.UNUSABLE_HEADERS.verdict(headers.unusable),
    )
    parts = []
    if headers.unusable:
        parts.append(f"{count(headers.unusable)} files with a header that cannot be used")
    if headers.unreadable:
        parts.append(f"{count(headers.unreadable)} files that cannot be read")
    if headers.new:
        parts.append(f"{count(len(headers.new))} headers never seen before, the newest: {changes[-1]}")
    found = "; ".join(parts) or "no header that was not known, and every file could be read"
    return Judgement(
        verdict,
        f"In the last {duration(headers.window_seconds)}: {found}.",
        metadata | ({"changes": changes} if changes else {}) | ({"files_not_read": files} if files else {}),
    )
