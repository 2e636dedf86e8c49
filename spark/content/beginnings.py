"""What the first bytes of a file say of it: its compression, or that it is something that is not read."""

from __future__ import annotations

import os

from spark.content.errors import ContentError

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
COMPRESSED = {".gz": "gzip", ".zst": "zstd", ".zstd": "zstd"}  # what names say of a content
OTHER_MAGIC = {
    b"BZh": "bzip2",
    b"PK\x03\x04": "zip",
    b"\xfd7zXZ\x00": "xz",
    b"\x04\x22\x4d\x18": "lz4",
    b"\xff\x06\x00\x00sNaPpY": "snappy",
    b"Obj\x01": "Avro",
    b"ORC": "ORC",
    b"SQLite format 3\x00": "a database of SQLite",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an old file of Excel or Word",
    b"%PDF-": "PDF",
    b"ARROW1": "a file of Arrow (Feather)",
    b"SEQ\x06": "a sequence file of Hadoop",
    b"RCF\x01": "RCFile",
    b"x\x9c": "deflate",
    b"x\xda": "deflate",
    b"\x1f\x9d": "compress",
    b"7z\xbc\xaf": "7-Zip",
    b"Rar!\x1a": "RAR",
}
OTHER_TEXT = {b"<?xml": "XML", b"<!doctype html": "HTML", b"<html": "HTML"}  # in small letters
_TAR_AT, _TAR = 257, b"ustar"


def compression_of(beginning: bytes, name: bytes) -> str | None:
    """`gzip`, `zstd` or `None`.

    Raises:
        ContentError: it is compressed in a way that is not read here, or is not what its name says.
    """
    if beginning.startswith(GZIP_MAGIC):
        return "gzip"
    if is_zstd(beginning):
        return "zstd"
    _refuse_other(beginning)
    end = os.path.splitext(os.fsdecode(name))[1]
    said = COMPRESSED.get(end.lower())
    if said is not None and beginning:
        raise ContentError(f"not_{said}", f"It is named {end} but is no {said} file.")
    return None


def _other(beginning: bytes) -> str | None:
    """What a content is that begins so, if it is something that is not read."""
    if beginning[_TAR_AT:].startswith(_TAR):
        return "tar"
    text = beginning.removeprefix(b"\xef\xbb\xbf").lstrip()[:20].lower()
    found = (kind for magic, kind in OTHER_MAGIC.items() if beginning.startswith(magic))
    return next(found, next((kind for start, kind in OTHER_TEXT.items() if text.startswith(start)), None))


def _refuse_other(beginning: bytes) -> None:
    if kind := _other(beginning):
        text = f"It is {kind}: only CSV, JSON (also in gzip or zstd) and Parquet are read."
        raise ContentError("unsupported_format", text)


def refuse_within(beginning: bytes, compression: str) -> None:
    """Raises: ContentError: what begins so, within compression, is no text."""
    known = {GZIP_MAGIC: "gzip", ZSTD_MAGIC: "zstd", b"PAR1": "Parquet"}
    inner = next((kind for magic, kind in known.items() if beginning.startswith(magic)), _other(beginning))
    if inner is not None:
        text = f"It is {inner} within {compression}, where only text is read."
        raise ContentError("unsupported_format", text)


def is_zstd(start: bytes) -> bool:
    """Whether a file that begins so is zstd; programs may put a frame of their own in front."""
    return start.startswith(ZSTD_MAGIC) or (start[1:4] == b"\x2a\x4d\x18" and 0x50 <= start[0] <= 0x5F)
