"""The generator of `clickstream up` works without pandas."""

import subprocess
import sys

PROGRAM = """
import sys
from clickstream_assets.generator.without_pandas import keep_pandas_away
keep_pandas_away()
import clickstream_assets.data_generator
import numpy as np, pyarrow as pa
assert pa.array(np.arange(3)).to_pylist() == [0, 1, 2]
print("pandas" in sys.modules)
"""


def test_arrow_makes_arrays_and_pandas_is_not_loaded() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
