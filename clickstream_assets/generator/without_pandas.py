"""Arrow without pandas, in a process that has no use for it.

The first array that pyarrow makes imports pandas, only to ask whether what it was given is one of its series: 38 MB,
and half of the processor time of the generator's imports.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType


class _NotInstalled(MetaPathFinder):
    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError("pandas is not wanted in this process", name=fullname)


def keep_pandas_away() -> None:
    """For the rest of this process pandas is as if it were not installed. Call it before pyarrow's first array."""
    sys.meta_path.insert(0, _NotInstalled())
