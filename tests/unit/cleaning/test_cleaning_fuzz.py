"""Two readers, one truth, over hostile files: what the stream's code makes of a file is what the audit's own reader
makes of it, value by value and reason by reason."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest.mock import patch

import pytest
from hostile_rows import GOOD, PATH, Dialect, HostileFile, hostile_files, quoted, values
from hostile_values import DAYS, FORMATS, ZONES, prices, times
from hypothesis import HealthCheck, Phase, example, find, given, settings
from hypothesis import strategies as st
from two_readers import Cut, agreed

from clickstream_assets.contract import IdenticalRows
from clickstream_assets.second_reader.outcomes import Event
from spark.cleaning.time_bounds import EARLIEST_US, TimeBounds

DAY = 86_400_000_000
MARCH = 1_772_323_200_000_000  # 2026-03-01
ALL_TIMES = TimeBounds(EARLIEST_US, MARCH + 400 * DAY)
BOUNDS = st.sampled_from(
    [ALL_TIMES, TimeBounds(MARCH, MARCH + DAY), TimeBounds(EARLIEST_US, MARCH + DAY // 2)]
)
PLAIN = Dialect("", None, ".", "")


def hostile(examples: int) -> settings:
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=examples, suppress_health_check=checks)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("events")


def assert_readers_agree(
    directory: Path,
    content: bytes,
    toml: str,
    bounds: TimeBounds = ALL_TIMES,
    *,
    identical_rows: IdenticalRows = "merge",
    chunk_bytes: int = 1 << 24,
    block_bytes: int = 1 << 22,
    is_zipped: bool = False,
    is_zstd: bool = False,
    relative: str = "events.csv",
) -> int:
    """Returns how many of the records are events."""
    cut = Cut(chunk_bytes, block_bytes, is_zipped, is_zstd)
    found = agreed(
        directory, content, toml, bounds, identical_rows=identical_rows, cut=cut, relative=relative
    )
    return sum(isinstance(row, Event) for row in found)


@hostile(90)
@given(
    file=hostile_files(),
    bounds=BOUNDS,
    identical_rows=st.sampled_from(["merge", "keep"]),
    chunk_bytes=st.integers(1, 2_000),
    block_bytes=st.integers(1, 700),
    is_zipped=st.booleans(),
)
def test_every_record_is_one_event_or_one_reject_and_both_readers_say_the_same(
    directory: Path,
    file: HostileFile,
    bounds: TimeBounds,
    identical_rows: IdenticalRows,
    chunk_bytes: int,
    block_bytes: int,
    is_zipped: bool,
) -> None:
    assert_readers_agree(
        directory,
        file.content,
        file.dialect.toml,
        bounds,
        identical_rows=identical_rows,
        chunk_bytes=chunk_bytes,
        block_bytes=block_bytes,
        is_zipped=is_zipped,
        relative=PATH,
    )


@hostile(60)
@given(
    file=hostile_files(),
    encoding=st.sampled_from(["utf-16", "utf-16-le", "utf-16-be", "windows-1252", "shift_jis", "gb18030"]),
    noise=st.none() | st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=3)),
    block_bytes=st.integers(1, 700),
    packed=st.sampled_from(["", "gzip", "zstd"]),
)
def test_text_in_other_encodings_is_the_same_records_for_both(
    directory: Path,
    file: HostileFile,
    encoding: str,
    noise: tuple[float, bytes] | None,
    block_bytes: int,
    packed: str,
) -> None:
    text = file.content.decode("utf-8", "replace").removeprefix("\ufeff")  # no other encoding has it
    content = text.encode(encoding, "replace")
    if noise is not None:  # behind the header, where it is one bad row
        header = len(text.split("\n", 4)[0].encode(encoding, "replace")) + 4
        at = header + int(noise[0] * max(0, len(content) - header))
        content = content[:at] + noise[1] + content[at:]
    toml = file.dialect.toml
    if encoding != "utf-16":  # which has a mark
        toml += "" if "[format]" in toml else "\n[format]\n"
        toml = toml.replace("[format]\n", f'[format]\nencoding = "{encoding}"\n')
    try:
        assert_readers_agree(
            directory,
            content,
            toml,
            block_bytes=block_bytes,
            is_zipped=packed == "gzip",
            is_zstd=packed == "zstd",
            relative=PATH,
        )
    except AssertionError as error:
        # The noise went into the header.
        if noise is None or "reason='" not in str(error):
            raise


@contextmanager
def small_limits() -> Iterator[None]:
    """Records that are too long, and quotes that close too late, in files of some hundred bytes."""
    limits = {
        "spark.reading.lines.MAX_MULTILINE_BYTES": 48,
        "clickstream_assets.second_reader.lines.MAX_JOINED_BYTES": 48,
        "spark.reading.records.MAX_RECORD_BYTES": 150,
        "clickstream_assets.second_reader.lines.MAX_RECORD_BYTES": 150,
        "spark.reading.records.KEPT_BYTES": 40,
        "spark.cleaning.cleaned.KEPT_BYTES": 40,
        "clickstream_assets.second_reader.lines.KEPT_BYTES": 40,
        "clickstream_assets.second_reader.outcomes.KEPT_BYTES": 40,
        "spark.reading.records.MAX_BLANK_BYTES": 5,
        "clickstream_assets.second_reader.lines.MAX_BLANK_BYTES": 5,
    }
    with ExitStack() as stack:
        for name, value in limits.items():
            stack.enter_context(patch(name, value))
        yield


BYTES = (
    b"u,s,view,p,1772366400", b'u,s,view,"p\np",1772366400\n', b'"', b'""', b'\\"', b"\\", b",", b"\n", b"\r\n", b"\r",
    b" ", b"       ", b"\0", b"\xff", b"\xe2\x82", "ü".encode(), b"x" * 30, b"x" * 120,
)  # fmt: skip
PIECES = st.lists(st.sampled_from(BYTES), max_size=40)


@hostile(200)
@given(PIECES, st.integers(1, 200), st.integers(1, 200), st.sampled_from(["", '[format]\nescape = "none"']))
def test_bytes_that_are_no_csv_are_the_same_records_for_both(
    directory: Path, pieces: list[bytes], chunk_bytes: int, block_bytes: int, toml: str
) -> None:
    header = b"user_id,session_id,action_type,product_id,event_time\n"
    with small_limits():
        assert_readers_agree(
            directory, header + b"".join(pieces), toml, chunk_bytes=chunk_bytes, block_bytes=block_bytes
        )


def one_column(field: str, texts: list[str]) -> bytes:
    """A file of rows that are good but for one field."""
    lines = [",".join(GOOD)]
    lines += [
        ",".join(quoted(cell, "minimal", ",") for cell in (GOOD | {field: text}).values()) for text in texts
    ]
    return ("\n".join(lines) + "\n").encode()


@st.composite
def many_times(draw: st.DrawFn) -> tuple[str, list[str]]:
    form, zone = draw(st.none() | st.sampled_from(FORMATS)), draw(st.sampled_from(ZONES))
    toml = f'[time]\nzone = "{zone}"' + (f'\nformat = "{form}"' if form else "")
    return toml, draw(st.lists(times(form), min_size=1, max_size=40))


@hostile(90)
@given(many_times())
def test_a_time_means_the_same_to_both(directory: Path, drawn: tuple[str, list[str]]) -> None:
    toml, texts = drawn
    assert_readers_agree(directory, one_column("event_time", texts), toml)


@hostile(40)
@example("America/St_Johns", "2005-04-03", 30, 0)
@example("America/St_Johns", "2005-10-30", 30, 0)
@given(
    st.sampled_from(ZONES),
    st.sampled_from(DAYS) | st.dates().map(str),
    st.integers(0, 59),
    st.integers(0, 999_999),
)
def test_local_times_of_a_zone_mean_the_same_to_both(
    directory: Path, zone: str, day: str, seconds: int, micros: int
) -> None:
    minutes = [
        (hour, minute) for hour in (0, 1, 2, 3, 12, 23) for minute in range(0, 60, 1 if hour < 2 else 7)
    ]
    texts = [f"{day} {hour:02d}:{minute:02d}:{seconds:02d}.{micros:06d}" for hour, minute in minutes]
    assert_readers_agree(directory, one_column("event_time", texts), f'[time]\nzone = "{zone}"')


@hostile(90)
@given(
    st.sampled_from([".", ","]),
    st.sampled_from(["", "", ".", ",", "'", " ", "_"]),
    st.data(),
)
def test_a_price_means_the_same_to_both(
    directory: Path, decimal: str, grouping: str, data: st.DataObject
) -> None:
    if grouping == decimal:
        grouping = ""
    toml = f'[price]\ndecimal = "{decimal}"' + (f'\ngrouping = "{grouping}"' if grouping else "")
    texts = data.draw(st.lists(prices(decimal, grouping), min_size=1, max_size=40))
    assert_readers_agree(directory, one_column("price", texts), toml)


@hostile(40)
@given(st.sampled_from(["event_id", "user_id", "product_id", "action_type", "user_agent"]), st.data())
def test_ids_words_and_user_agents_mean_the_same_to_both(
    directory: Path, field: str, data: st.DataObject
) -> None:
    texts = data.draw(st.lists(values(PLAIN)[field], min_size=1, max_size=15))
    assert_readers_agree(directory, one_column(field, texts), "")


def test_the_files_drawn_bring_events_beside_rejects(directory: Path) -> None:
    def has_both(file: HostileFile) -> bool:
        lines = file.content.count(b"\n")
        return 0 < assert_readers_agree(directory, file.content, file.dialect.toml, relative=PATH) < lines - 2

    assert find(hostile_files(), has_both, settings=settings(phases=[Phase.generate]))
