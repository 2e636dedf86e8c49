"""The check `duplicate_rate`."""

from clickstream_assets import thresholds
from clickstream_assets.checks.look import Look
from clickstream_assets.checks.on_events.rates import Rate, judge_rate, read_worst


def read(look: Look) -> Rate:
    """Share of the rows of the last hour that had been delivered before; the exact lifetime figures beside it."""
    window, limits = look.window, thresholds.DUPLICATE_RATE
    return Rate(
        "duplicates",
        limits,
        window.rows_duplicate,
        look.lifetime.rows_duplicate,
        window,
        look.lifetime,
        {"rows_conflict": window.rows_conflict, "files_delivered_again": window.duplicate_files},
        read_worst(look, "duplicate", limits, window.rows_duplicate),
    )


judge = judge_rate
