"""Fixtures shared by all rooms, the hypothesis profiles, and doctests that need an extra."""

import doctest
import os
from pathlib import Path

import numpy as np
import pytest
from _pytest.doctest import DoctestItem, MultipleDoctestFailures
from hypothesis import HealthCheck, settings

settings.register_profile("default", max_examples=25, deadline=None, derandomize=True,
                          suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
settings.register_profile("thorough", max_examples=1000, deadline=None,
                          suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
settings.load_profile("default")


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
