"""The asset `checks_reported`: when the checks on `events` were last measured. It has no rows of its own.

A check stays green for as long as nobody measures it. Dagster itself judges the age of this asset, without a sensor of
ours: it turns where the sensor `event_check_results` was switched off or fails. The tables can have no such policy, for
an idle stream is not stale.
"""

from __future__ import annotations

from datetime import timedelta

import dagster as dg

from clickstream_assets.assets.catalogue import FILLED_BY, code_links

KEY = dg.AssetKey("checks_reported")
OVERDUE, LATE = timedelta(minutes=3), timedelta(minutes=5)  # a report is due every minute

checks_reported = dg.AssetSpec(
    KEY,
    group_name="monitoring",
    kinds={"dagster"},
    owners=["team:clickstream"],
    tags={FILLED_BY: "sensor"},
    metadata=code_links("clickstream_assets/sensors/sensors.py"),
    description="When the checks on events were last measured. Dagster warns 3 minutes after the last report and fails "
    "after 5: what the checks show is old then. Look whether the sensor event_check_results is on, and at its history.",
    freshness_policy=dg.FreshnessPolicy.time_window(fail_window=LATE, warn_window=OVERDUE),
)


def report() -> dg.AssetMaterialization:
    """What says that the checks were measured now."""
    return dg.AssetMaterialization(KEY)
