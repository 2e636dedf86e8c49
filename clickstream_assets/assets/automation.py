"""When Dagster refreshes a summary: one automation condition and one retry policy.

Each condition is a named constant. Its comment names the incident behind every operator.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

AC = dg.AutomationCondition
EVENTS = dg.AssetKey("events")


def build_on_new_rows() -> dg.AutomationCondition:
    """Request a refresh once per news: after new rows were reported for `events`, or when first seen.

    - `asset_matches(events, newly_updated)`, also for a summary of a summary: all are then asked for on the same
      tick and share one run, which costs seconds whatever it does. Watching only its own upstream, each level
      would start a run of its own. Bare: `any_deps_updated` is an OR inside, and boolean operators drop the
      times of the updates. Without them an update on the tick after a request counted as older than it and
      was lost (the way `eager()` loses it).
    - `.since(newly_requested)` keeps the news until a refresh was asked for: a burst that arrives during a
      refresh leads to one more, not to one each, and to no fewer.
    - `upstream_alone`: an upstream summary was refreshed or rebuilt by a run that left this one out (from the
      launchpad). Without `~executed_with_root_target` every shared run would ask for another; it stands outside
      the latch, where it drops no times.
    - `initial_evaluation`: the first evaluation of an asset sees no update, by definition. Rows reported before
      the daemon started would wait for the next ones. It is a latch of its own, because an OR inside the
      first latch would drop the times again.
    - `~missing`: nothing to do before the first rows.
    - `~in_progress`: one refresh of a summary at a time.

    A failed refresh is not asked for again by this (see `REFRESH_RETRY`); the next rows do it, and a refresh
    takes in everything that its predecessors missed.
    """
    new_rows = AC.asset_matches(EVENTS, AC.newly_updated()).since(AC.newly_requested())
    events = dg.AssetSelection.assets(EVENTS)
    upstream_alone = AC.any_deps_match(AC.newly_updated()).ignore(events).since(
        AC.newly_requested()
    ) & AC.any_deps_match(~AC.executed_with_root_target()).ignore(events)
    first_evaluation = AC.initial_evaluation().since(AC.newly_requested())
    no_rows = AC.asset_matches(EVENTS, AC.missing())
    return ((new_rows | upstream_alone | first_evaluation) & ~no_rows & ~AC.in_progress()).with_label(
        "on_new_rows"
    )


on_new_rows = build_on_new_rows()

# A refresh is one transaction and may simply be tried again: three times cover a restart of PostgreSQL.
REFRESH_RETRY = dg.RetryPolicy(max_retries=3, delay=5, backoff=dg.Backoff.EXPONENTIAL)  # seconds: 5, 15, 35


@contextmanager
def cancelled_for_good() -> Iterator[None]:
    """What is cancelled in here is not tried again. Dagster's retry policy counts an interruption as a failure, so that
    a rebuild that someone terminated began anew, up to three times.
    """
    try:
        yield
    except (dg.DagsterExecutionInterruptedError, KeyboardInterrupt):
        # The policy leaves Dagster's own errors alone. A Failure might be taken for that of a single summary.
        raise dg.DagsterError(
            "Cancelled. What was being refreshed is as it was; what was done before stays."
        ) from None
