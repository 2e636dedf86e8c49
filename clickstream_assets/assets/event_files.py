"""The asset `event_files`: the watched directory. Its button lands a batch of generated files there.

The files are made by `data_generator`. What other producers land is reported by the sensors.
"""

import dagster as dg
from pydantic import Field

from clickstream_assets.assets.catalogue import FILLED_BY, LIVE, code_links, file_metadata
from clickstream_assets.errors import SettingsError
from clickstream_assets.generator.spec import GenerationSpec
from clickstream_assets.launches import LaunchConfig, failing_in_one_sentence
from clickstream_assets.settings import Settings
from clickstream_assets.text import count

# At once. Each file costs the stream a millisecond or two, and each million events some ten seconds.
MOST_FILES = 10_000
MOST_EVENTS = 10_000_000


class GeneratedFiles(LaunchConfig):
    """What to generate. Shares are of all rows, from 0 to 1."""

    events: int = Field(
        default=10_000, description="Rows in total, the duplicate and malformed ones among them."
    )
    files: int = Field(default=10, description="Files, of equal rows.")
    duplicates: float = Field(default=0.02, description="Share of rows that repeat an earlier one.")
    malformed: float = Field(default=0.01, description="Share of rows that are to be rejected.")
    late: float = Field(default=0.02, description="Share of events that are hours to days old.")
    seed: int | None = Field(default=None, description="The same seed gives the same bytes. Empty: new ones.")

    def check(self) -> None:
        """Raises SettingsError where a value is missing, or asks for more than may be landed at once."""
        super().check()
        for name, asked, most in (("events", self.events, MOST_EVENTS), ("files", self.files, MOST_FILES)):
            if asked > most:
                raise SettingsError(
                    f"{name} is {count(asked)}: the button lands at most {count(most)} at once, since live events wait "
                    "behind them. The command clickstream generate has no such limit."
                )


@dg.asset(
    group_name="ingestion",
    kinds={"file", "csv"},
    owners=["team:clickstream"],
    tags={FILLED_BY: "producer"},
    metadata={**file_metadata(), **code_links("clickstream_assets/data_generator.py")},
    description="CSV files of shop events in the watched directory (CLICKSTREAM_EVENTS_DIR), from any producer. "
    "Materializing lands a batch of generated files, as set in the launchpad; what others land is reported by the "
    "sensor ingest_progress once the stream has registered it.",
)
def event_files(
    context: dg.AssetExecutionContext, config: GeneratedFiles, settings: dg.ResourceParam[Settings]
) -> dg.MaterializeResult:
    # Every run and the code server load this module, and the generator brings Faker, pandas and Arrow along.
    from clickstream_assets.data_generator import generate_files

    with failing_in_one_sentence("Nothing was generated"):
        config.check()
        spec = GenerationSpec(
            events=config.events,
            files=config.files,
            duplicates=config.duplicates,
            malformed=config.malformed,
            late=config.late,
            seed=config.seed,
        )
        truth = generate_files(spec, settings.events_dir)
    context.log.info(f"{truth.files} files with {truth.rows} rows are in {settings.events_dir}.")
    return dg.MaterializeResult(
        data_version=LIVE,
        metadata={
            "directory": dg.MetadataValue.path(str(settings.events_dir)),
            "files": truth.files,
            "rows": truth.rows,
            "size_bytes": truth.bytes,
            "unique_events": truth.unique_events,
            "duplicates": truth.duplicates,
            "malformed": truth.malformed,
            "late": truth.late,
        },
    )
