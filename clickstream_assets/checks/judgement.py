"""What every check ends in: pass, warn or error, in a sentence and in numbers; and how Dagster is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from clickstream_assets.text import rounded
from clickstream_assets.thresholds import Verdict

EVENTS = dg.AssetKey("events")
EXAMPLES_SHOWN = 10  # offences, changes and the like that a result names


@dataclass(frozen=True)
class Judgement:
    """The outcome of one check.

    Dagster draws every number of `metadata` as a plot: what is always the same is a text.
    """

    verdict: Verdict
    description: str
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def severity(self) -> dg.AssetCheckSeverity:
        return dg.AssetCheckSeverity.WARN if self.verdict == "warn" else dg.AssetCheckSeverity.ERROR

    def result(self, asset: str | None = None, check: str | None = None) -> dg.AssetCheckResult:
        """As a run reports it; the names where the run measures several checks."""
        return dg.AssetCheckResult(
            asset_key=asset,
            check_name=check,
            passed=self.verdict == "pass",
            severity=self.severity,
            description=self.description,
            metadata=_shown(self.metadata),
        )

    def evaluation(self, name: str, asset: dg.AssetKey = EVENTS) -> dg.AssetCheckEvaluation:
        """As a sensor reports it, without a run."""
        return dg.AssetCheckEvaluation(
            asset_key=asset,
            check_name=name,
            passed=self.verdict == "pass",
            severity=self.severity,
            description=self.description,
            metadata=_shown(self.metadata),
        )


def _shown(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {name: rounded(value) if isinstance(value, float) else value for name, value in metadata.items()}
