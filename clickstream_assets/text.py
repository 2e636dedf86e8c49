"""Numbers, times and names as people read them. Pure; no other module formats these."""

from __future__ import annotations

from datetime import datetime

_SIZES = ("B", "KiB", "MiB", "GiB", "TiB")


def count(value: int) -> str:
    """12,345."""
    return f"{value:,}"


def percent(share: float | None) -> str:
    """A share from 0 to 1; a dash where there is none. A small one is never shown as zero."""
    if share is None:
        return "-"
    if 0 < share < 0.0001:
        return "< 0.01 %"
    return f"{share * 100:.2f} %"


def size(size_bytes: int) -> str:
    """3.4 MiB."""
    value, unit = float(size_bytes), _SIZES[0]
    for unit in _SIZES:
        if value < 1024 or unit == _SIZES[-1]:
            break
        value /= 1024
    return f"{size_bytes} B" if unit == "B" else f"{value:.1f} {unit}"


def duration(seconds: float | None) -> str:
    """From milliseconds to days, two units at most; a dash where there is none."""
    if seconds is None:
        return "-"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return _two_units(minutes, "min", rest, "s")
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return _two_units(hours, "h", minutes, "min")
    return _two_units(hours // 24, "d", hours % 24, "h")


def _two_units(large: int, large_unit: str, small: int, small_unit: str) -> str:
    """1 h 5 min, but 1 h: nobody says 1 h 0 min."""
    return f"{large} {large_unit} {small} {small_unit}" if small else f"{large} {large_unit}"


def rounded(value: float) -> float:
    """A number as people read it: to thousandths, small ones to three digits."""
    return round(value, 3) if abs(value) >= 0.1 else float(f"{value:.3g}")


def moment(time: datetime | None) -> str:
    """2026-01-31 12:00:00 UTC; a dash where there is none."""
    return "-" if time is None else f"{time:%Y-%m-%d %H:%M:%S} UTC"


def printable(name: str) -> str:
    """A file name on one line that cannot move the terminal's cursor; odd characters as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


def first_line(said: object) -> str:
    """The first line of a message of several; the kind of an error that says nothing."""
    lines = str(said).strip().splitlines()
    return lines[0].strip() if lines else type(said).__name__ if isinstance(said, BaseException) else "?"


def one_line(said: object) -> str:
    """A message with its lines joined; the kind of an error that says nothing."""
    words = str(said).split()
    return " ".join(words) if words else first_line(said)
