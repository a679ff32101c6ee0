"""Whether the C library keeps memory when it is told to: by the pages that the system hands out anew."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

import tinymm
from tinymm.machine.memory import VARIABLES

# pages per array of 4 MB, of ten that are made and dropped beside others, after a few
FAULTS = """\
import resource, sys
import numpy as np
from tinymm.machine import keep_memory
told = keep_memory() if sys.argv[1] == "keep" else None
def some():
    arrays = [np.ones(2**20, np.float32) for _ in range(10)]
for _ in range(3):
    some()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
some()
print(told, (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 10)
"""


def run(word, **variables):
    """What `keep_memory` returned, and the pages."""
    pytest.importorskip("resource", reason="counts pages, which this system does not")
    environment = {k: v for k, v in os.environ.items() if k not in VARIABLES} | variables
    environment["PYTHONPATH"] = str(Path(tinymm.__file__).parents[1])
    told, pages = subprocess.run([sys.executable, "-c", FAULTS, word], env=environment, capture_output=True, text=True,
                                 check=True).stdout.split()
    return told, float(pages)


@pytest.mark.skipif(os.name == "nt" or not hasattr(ctypes.CDLL(None), "gnu_get_libc_version"),
                    reason="GNU's C library")
def test_kept_memory_is_not_cleared_by_the_system_again():
    assert run("leave")[1] > 500                                # 1,024 pages of 4 KB in each array
    told, pages = run("keep")
    assert told == "True" and pages < 10


def test_what_the_user_set_stays():
    for name in sorted(VARIABLES):
        assert run("keep", **{name: ""})[0] == "False"
