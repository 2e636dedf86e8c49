"""What `sources.toml` says, and the sentences about what it says wrongly."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from clickstream_assets.errors import SettingsError
from clickstream_assets.settings import Settings
from clickstream_assets.sources.source import Source
from clickstream_assets.sources.sources_file import read_sources
from clickstream_assets.sources.watched_file import WatchedFile


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.from_env(
        {"CLICKSTREAM_HOME": str(tmp_path / "home"), "CLICKSTREAM_SOURCES": str(tmp_path / "sources.toml")}
    )


def written(settings: Settings, text: str) -> tuple[Source, ...]:
    assert settings.sources is not None
    settings.sources.write_text(text)
    return read_sources(settings)


def test_without_a_file_the_events_directory_is_the_only_source_with_the_rules_of_the_settings(
    tmp_path: Path,
) -> None:
    (only,) = read_sources(
        Settings.from_env(
            {
                "CLICKSTREAM_HOME": str(tmp_path),
                "CLICKSTREAM_SETTLE_SECONDS": "7",
                "CLICKSTREAM_FINISHED_FILES": "delete",
            }
        )
    )
    assert only.is_default
    assert only.directory == tmp_path / "events"
    assert (only.settle_seconds, only.finished_files, only.drift, only.error_budget) == (
        7.0,
        "delete",
        "accept",
        None,
    )
    assert not only.judges_files


def test_a_section_says_all_of_a_source(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "shop.toml").write_text('[columns]\nkunde = "user_id"\n')
    default, shop = written(
        settings,
        """
        [shop]
        directory = "drop/shop"
        mapping = "shop.toml"
        settle_seconds = 5
        settle_unterminated_seconds = 2.5
        unfinished = ["*.writing", "~*"]
        follow_links = true
        drift = "quarantine"
        error_budget = 5
        finished_files = "archive"
        finished_hours = 1
        archive_dir = "/srv/archive"
        owner = "shop-team@example.com"
        """,
    )
    assert default.is_default
    assert shop == Source(
        "shop",
        tmp_path / "drop" / "shop",
        {"columns": {"kunde": "user_id"}},
        str(tmp_path / "shop.toml"),
        5.0,
        2.5,
        True,
        ("*.writing", "~*"),
        "quarantine",
        5.0,
        "archive",
        1.0,
        Path("/srv/archive"),
        "shop-team@example.com",
    )
    assert shop.judges_files
    directory = shop.events_directory
    names = ["a.csv.writing", "~a.csv", "a.csv.part", "a.csv", b"\xff.writing"]
    assert [directory.ignores(name) for name in names] == [True, True, True, False, True]


def test_a_mapping_can_stand_in_the_file_itself(settings: Settings) -> None:
    _, shop = written(settings, '[shop]\ndirectory = "d"\n[shop.mapping.actions]\nseen = "view"\n')
    assert shop.mapping == {"actions": {"seen": "view"}}
    assert shop.mapping_from == f"{settings.sources}, [shop.mapping]"


def test_a_section_of_the_default_says_more_of_the_events_directory(settings: Settings) -> None:
    default, shop = written(settings, '[shop]\ndirectory = "d"\n[default]\nerror_budget = 20\nowner = "us"\n')
    assert (default.name, default.directory, default.error_budget) == ("default", settings.events_dir, 20.0)
    assert shop.error_budget is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[shop]\n", r"\[shop\]: there is no directory"),
        ("shop = 1\n", "'shop' stands alone"),
        ('[Shop]\ndirectory = "d"\n', "a source's name has up to 40 of a-z"),
        ('[shop]\ndirectory = "d"\ncolour = 1\n', "'colour' is none of directory, mapping"),
        ('[shop]\ndirectory = "d"\ndrift = "maybe"\n', "drift is 'maybe': give one of accept"),
        ('[shop]\ndirectory = "d"\nerror_budget = 101\n', "error_budget is 101: give a percentage"),
        ('[shop]\ndirectory = "d"\nerror_budget = "5"\n', "error_budget is '5': give a number"),
        ('[shop]\ndirectory = "d"\nsettle_seconds = true\n', "settle_seconds is True: give a number"),
        ('[shop]\ndirectory = "d"\nsettle_seconds = inf\n', "settle_seconds is inf: give a number"),
        ('[shop]\ndirectory = "d"\nunfinished = "*.x"\n', "unfinished takes patterns"),
        ('[shop]\ndirectory = "d"\nunfinished = ["a/b"]\n', "unfinished takes patterns"),
        ('[shop]\ndirectory = "d"\nfollow_links = 1\n', "follow_links is 1: give true or false"),
        ('[shop]\ndirectory = "d"\nfinished_files = "burn"\n', "finished_files is 'burn'"),
        ('[shop]\ndirectory = "d"\nfinished_files = ["keep"]\n', "finished_files is"),
        ("[shop]\ndirectory = 3\n", "directory takes a text in quotes, not 3"),
        ('[shop]\ndirectory = "d"\nmapping = "none.toml"\n', "none.toml, which cannot be read: No such file"),
        ('[shop]\ndirectory = "d"\nmapping = []\n', "mapping takes a text in quotes"),
        ('[a]\ndirectory = "d"\n[b]\ndirectory = "d/e"\n', "lies in that of \\[a\\]"),
        ('[a]\ndirectory = "d"\n[b]\ndirectory = "d"\n', "its files would be read twice"),
        ('[a]\ndirectory = "home/events/a"\n', "lies in that of \\[default\\]"),
        (
            '[a]\ndirectory = "d"\n[b]\ndirectory = "e"\nfinished_files = "archive"\narchive_dir = "d/x"\n',
            "the archive of \\[b\\].*would be read again",
        ),
        ("[shop\n", "is no TOML"),
    ],
)
def test_what_means_nothing_is_told_in_one_sentence(settings: Settings, text: str, sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        written(settings, text)


def test_a_file_that_is_not_there_is_told(settings: Settings) -> None:
    with pytest.raises(
        SettingsError, match=r"CLICKSTREAM_SOURCES names .*, which cannot be read: No such file"
    ):
        read_sources(settings)


def test_a_change_is_seen_once_of_the_file_and_of_the_mappings_that_it_names(
    settings: Settings, tmp_path: Path
) -> None:
    mapping = tmp_path / "shop.toml"
    mapping.write_text("")
    written(settings, '[shop]\ndirectory = "d"\nmapping = "shop.toml"\n')
    watched = WatchedFile(settings)
    assert not watched.has_changed()
    mapping.write_text('[actions]\nseen = "view"\n')
    assert [watched.has_changed(), watched.has_changed()] == [True, False]
    written(settings, '[shop]\ndirectory = "d"\n')
    assert [watched.has_changed(), watched.has_changed()] == [True, False]
    mapping.unlink()
    assert not watched.has_changed(), "it names it no longer"
    assert settings.sources is not None
    os.replace(tmp_path / "sources.toml", tmp_path / "moved.toml")
    assert [watched.has_changed(), watched.has_changed()] == [True, False]
