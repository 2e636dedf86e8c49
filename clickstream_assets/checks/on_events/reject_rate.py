"""The check `reject_rate`."""

from clickstream_assets import thresholds
from clickstream_assets.checks.look import Look
from clickstream_assets.checks.on_events.rates import Rate, judge_rate, read_worst
from clickstream_assets.ledger import reads as ledger


def read(look: Look) -> Rate:
    """Share of the rows of the last hour that could not be read as events, by reason; the lifetime beside it."""
    window, limits = look.window, thresholds.REJECT_RATE
    return Rate(
        "rejected",
        limits,
        window.rows_rejected,
        look.lifetime.rows_rejected,
        window,
        look.lifetime,
        {"by_reason": ledger.read_window_rejects(look.connection, window.window_seconds)},
        read_worst(look, "rejected", limits, window.rows_rejected),
    )


judge = judge_rate
