"""A fused op and its composite, the same value in primitive ops, agree: value and gradient."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinymm as tm
import tinymm.testing.specs  # noqa: F401  (fills SPECS)
from tinymm.autograd import Tensor, grad, registry
from tinymm.testing.check import flattened

ROWS = [pytest.param(row, id=f"{name}-{i}") for name, rows in sorted(tm.testing.SPECS.items()) for i, row in enumerate(rows)
        if row.function is None and registry[name].op.composite is not None]


def composite_of(op):
    def call(*args, **kwargs):
        values = op.bind(args, kwargs)
        return op.composite(*values) if op.starred is None else op.composite(*values[:op.starred], *values[op.starred])
    return call


def value_and_gradients(f, args, kwargs):
    call, flat = flattened(f, args, kwargs)
    tensors = [Tensor(a).requires_grad_() if a.dtype.kind == "f" else a for a in flat]
    y = call(*tensors)
    g = np.random.default_rng(0).standard_normal(y.shape)
    found = grad(y, [t for t in tensors if isinstance(t, Tensor)], g, allow_unused=True)
    return [y.data, *(np.zeros(()) if d is None else d.data for d in found)]


@pytest.mark.parametrize("row", ROWS)
def test_fused_equals_composite(row):
    @settings(max_examples=max(5, settings().max_examples // 2))
    @given(row.calls())
    def check(call):
        fused = value_and_gradients(registry[row.name], *call)
        for a, b in zip(fused, value_and_gradients(composite_of(registry[row.name].op), *call), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-10)

    check()
