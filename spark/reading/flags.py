"""What can be wrong with a record, or with the piece of a file that it is from, before its fields are looked at."""

from __future__ import annotations

from enum import IntEnum


class Flag(IntEnum):
    """What is wrong with a record's bytes. The names, in lower case, are the reasons of the rejects.

    Of several, LINE_TOO_LONG comes first (the rest of such a line is not looked at), then in this order.
    """

    NONE = 0
    UNBALANCED_QUOTE = 1
    LINE_TOO_LONG = 2
    NUL_BYTE = 3
    INVALID_UTF8 = 4
    BACKSLASH_ESCAPE = 5  # a quote behind a backslash: what is meant is in doubt (`fields`)
    TEXT_AFTER_QUOTE = 6  # between a closing quote and the end of the field (`fields`)
    NOT_JSON = 7  # of JSON lines, this and the next two (`objects`)
    NO_OBJECT = 8  # a list, say, or a number
    UNKNOWN_KEY = 9  # that the file's columns lack: there are very many, or it is very long
    CHUNK_CHANGED = 100  # no record: the file is not what intake saw, and none of it may be used
    CHUNK_UNREADABLE = 101  # no record: intake could read the file, this task cannot
    CHUNK_AWAY = 102  # no record: the file system does not answer; to be read when it does
