"""Every registered op has a spec row, and every row holds: value, gradients, dtype, PyTorch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinymm as tm
import tinymm.testing.specs  # noqa: F401  (fills SPECS)
from tinymm.testing.check import check_against_torch, check_call, check_float32

ROWS = [pytest.param(row, id=f"{name}-{i}") for name, rows in sorted(tm.testing.SPECS.items()) for i, row in enumerate(rows)]


def own_ops():
    return {name for name, f in tm.autograd.registry.items() if f.__module__.startswith("tinymm.")}


def test_every_op_has_a_row():
    missing = own_ops() - set(tm.testing.SPECS)
    assert not missing, f"ops without a spec row: {sorted(missing)}"


def test_every_row_has_an_op():
    assert not set(tm.testing.SPECS) - own_ops()


@pytest.mark.parametrize("row", ROWS)
def test_value_and_gradients(row):
    @settings(max_examples=max(5, settings().max_examples // 2))
    @given(row.calls(), st.integers(0, 2**32 - 1))
    def check(call, seed):
        check_call(row, *call, np.random.default_rng(seed))

    check()


@pytest.mark.parametrize("row", ROWS)
def test_float32(row):
    @settings(max_examples=max(5, settings().max_examples // 2))
    @given(row.calls(), st.integers(0, 2**32 - 1))
    def check(call, seed):
        check_float32(row, *call, np.random.default_rng(seed))

    check()


@pytest.mark.parametrize("row", [p for p in ROWS if p.values[0].torch is not None])
def test_equals_torch(row):
    pytest.importorskip("torch", reason="PyTorch is an optional peer")

    @settings(max_examples=max(5, settings().max_examples // 2))
    @given(row.calls(), st.integers(0, 2**32 - 1))
    def check(call, seed):
        check_against_torch(row, *call, np.random.default_rng(seed))

    check()
