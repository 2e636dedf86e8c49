"""The summaries: `refresh` brings one up to date, `audit` recomputes a sample of each. Dagster is not needed here."""
