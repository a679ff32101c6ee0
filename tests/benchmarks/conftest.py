"""`benchmarks` is a folder of the repository, not part of the installed package: make it importable."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from benchmarks import harness  # noqa: E402  (found by the line above)


@pytest.fixture
def timed_at_once(monkeypatch):
    """A candidate is timed without having run for a while, for which a measurement needs time and this test does not.

    The threads that a program sets are taken back.
    """
    threadpoolctl = pytest.importorskip("threadpoolctl")
    monkeypatch.setattr(harness, "LONG", 0)
    with threadpoolctl.threadpool_limits():
        yield
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
