"""What `sources.toml` says of object stores, and the sentences about what it says wrongly."""

from __future__ import annotations

from pathlib import Path

import pytest

from clickstream_assets.errors import SettingsError
from clickstream_assets.settings import Settings
from clickstream_assets.sources.object_store import ObjectStore
from clickstream_assets.sources.source import Source
from clickstream_assets.sources.sources_file import read_sources


def read(place: Path, text: str) -> tuple[Source, ...]:
    file = place / "sources.toml"
    file.write_text(text)
    return read_sources(
        Settings.from_env({"CLICKSTREAM_HOME": str(place / "home"), "CLICKSTREAM_SOURCES": str(file)})
    )


def test_a_section_names_a_bucket_and_what_becomes_of_its_objects(tmp_path: Path) -> None:
    text = """
    [cloud]
    directory = "s3://shop/events/raw"
    endpoint = "https://storage.example.com"
    profile = "shop"
    after_commit = "move"
    move_to = "loaded"
    fetch_ahead_mb = 100
    look_seconds = 2
    error_budget = 5
    """
    _, source = read(tmp_path, text)
    assert source.store == ObjectStore(
        "s3",
        "shop",
        "events/raw/",
        "move",
        "loaded/",
        100_000_000,
        2.0,
        "https://storage.example.com",
        "shop",
    )
    assert source.location == "s3://shop/events/raw/"
    assert source.directory == tmp_path / "home" / "objects" / "cloud"
    assert (source.settle_seconds, source.finished_files, source.error_budget) == (0.0, "keep", 5.0)


def test_objects_are_left_where_nothing_is_said_and_a_bucket_may_be_taken_whole(tmp_path: Path) -> None:
    _, source = read(tmp_path, '[cloud]\ndirectory = "s3://shop"\nlocal_dir = "fetched"\n')
    assert source.store == ObjectStore("s3", "shop")
    assert source.directory == tmp_path / "fetched"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('directory = "s3://"', "write it like"),
        ('directory = "s3://key:secret@shop/x"', "has a name or a password in it"),
        ('directory = "s3://shop"\nendpoint = "http://key:secret@host"', "has a name or a password in it"),
        ('directory = "s3://shop"\nendpoint = "storage"', "give a URL like"),
        ('directory = "s3://shop"\nafter_commit = "burn"', "give one of leave, tag, move"),
        ('directory = "s3://shop"\nafter_commit = "move"', "belong together"),
        ('directory = "s3://shop"\nmove_to = "x"', "belong together"),
        ('directory = "s3://shop/x"\nafter_commit = "move"\nmove_to = "x/y"', "would be read again"),
        ('directory = "s3://shop"\nsettle_seconds = 1', "settle_seconds is for directories"),
        ('directory = "s3://shop"\nfetch_ahead_mb = 0', "give a positive number"),
        ('directory = "s3://shop"\nlook_seconds = "x"', "give a positive number"),
        ('directory = "shop"\nafter_commit = "tag"', "after_commit is for object stores"),
    ],
)
def test_what_means_nothing_is_said_without_a_secret(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError) as raised:
        read(tmp_path, f"[cloud]\n{text}\n")
    assert said in str(raised.value)
    assert "secret" not in str(raised.value)


def test_no_object_is_in_two_sources(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="objects in common"):
        read(tmp_path, '[a]\ndirectory = "s3://shop/x"\n[b]\ndirectory = "s3://shop/x/y"\n')
    with pytest.raises(SettingsError, match=r"which \[b\] reads"):
        read(
            tmp_path,
            '[a]\ndirectory = "s3://shop/x"\nafter_commit = "move"\nmove_to = "y/z"\n'
            '[b]\ndirectory = "s3://shop/y"\n',
        )
    assert len(read(tmp_path, '[a]\ndirectory = "s3://shop/x"\n[b]\ndirectory = "s3://shop/xy"\n')) == 3


def test_the_events_directory_is_no_object_store(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="section of their own"):
        read(tmp_path, '[default]\ndirectory = "s3://shop"\n')
