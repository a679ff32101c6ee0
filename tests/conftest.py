"""How the suite is run: processes, threads, hypothesis profiles, doctests that need an extra; fixtures of all rooms."""

import doctest
import os
from pathlib import Path

# The cores run the suite's processes, so BLAS and OpenMP get one thread in each. They read this when they are loaded:
# here, before NumPy is imported, and in the processes that inherit it.
for _library in ("OPENBLAS", "MKL", "BLIS", "OMP"):
    os.environ[f"{_library}_NUM_THREADS"] = "1"
os.environ["VECLIB_MAXIMUM_THREADS"] = "1"

import numpy as np
import pytest
from _pytest.doctest import DoctestItem, MultipleDoctestFailures
from hypothesis import HealthCheck, settings

from tinymm.machine import usable_cores

settings.register_profile("default", max_examples=25, deadline=None, derandomize=True,
                          suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
settings.register_profile("thorough", max_examples=1000, deadline=None,
                          suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
settings.load_profile("default")


PROCESSES = 8  # at most: each one imports and collects all the tests before it runs its share


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """What `-n auto` means: one process a core; none (0) where one would do, which saves the time to start it."""
    if os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS"):
        return None                                             # the user has said it: xdist reads it
    by_name = all("::" in argument for argument in config.args)
    cores = 1 if by_name else usable_cores()
    return min(cores, PROCESSES) if cores > 1 else 0


@pytest.fixture(scope="class")
def two_threads():
    """While the test runs, BLAS and with it `parallel_for` has two threads; without threadpoolctl it stays at one.

    Of scope "class", because hypothesis refuses fixtures of scope "function": they would not be new for each example.
    """
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        yield
    else:
        with threadpool_limits(2, "blas"):
            yield


@pytest.fixture
def rng():
    """A fresh Generator of a fixed seed."""
    return np.random.default_rng(20)


@pytest.fixture
def shared_data():
    """Path of a folder of real data; the test is skipped where it is absent.

    The folder is $TINYMM_DATA, or `shared/data` beside the checkout.
    """
    root = Path(os.environ.get("TINYMM_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))

    def find(*parts):
        path = root.joinpath(*parts)
        if not path.exists():
            pytest.skip(f"no real data at {'/'.join(parts)} (set TINYMM_DATA to the folder that holds it)")
        return path

    return find


class OptionalDoctests:
    """A docstring example that asks for an extra is skipped where the extra is not installed."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item):
        try:
            return (yield)
        except (MultipleDoctestFailures, doctest.UnexpectedException) as error:
            first = error.failures[0] if isinstance(error, MultipleDoctestFailures) else error
            reason = str(first.exc_info[1]) if isinstance(first, doctest.UnexpectedException) else ""
            if isinstance(item, DoctestItem) and "install it with  python -m pip install" in reason:
                pytest.skip(reason)
            raise


def pytest_configure(config):
    config.pluginmanager.register(OptionalDoctests())
