"""The dtype of the inputs is that of the results and the gradients, for every op: half, single, and without axes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F
import tinymm.testing.specs  # noqa: F401  (fills SPECS)
from tinymm.testing.subject import as_subject

ROWS = [pytest.param(row, id=f"{row.public or name}-{i}") for name, rows in sorted(tm.testing.SPECS.items())
        for i, row in enumerate(rows) if name in tm.autograd.registry and row.float32]


def floating(y):
    """The floating-point ones of one result or several."""
    return [part for part in (y if isinstance(y, tuple) else (y,)) if hasattr(part, "dtype") and part.dtype.kind == "f"]


@pytest.mark.parametrize("row", ROWS)
def test_half_precision_stays(row):
    """What is computed in another dtype on the way comes back. (The ladder asks the same of float32.)"""
    f = row.function or tm.autograd.registry[row.name]

    @given(st.data())
    @settings(max_examples=2, deadline=None)
    def check(data):
        args, kwargs = data.draw(row.calls())
        subject = as_subject(f, args, kwargs).cast(np.float16)
        with np.errstate(all="ignore"):
            results = floating(f(*subject.arguments(subject.arrays), **subject.kwargs))
            y, leaves = subject.at()
            assert {part.dtype for part in (*results, y)} == {np.dtype(np.float16)}
            if y.requires_grad:
                found = tm.grad(y, leaves, np.ones(y.shape, np.float16), allow_unused=True)
                assert {d.dtype for d in found if d is not None} <= {np.dtype(np.float16)}

    check()


LARGE = np.array([0, 400] * 50, np.float16)     # whose squares float16 does not hold
SUMS = {  # with what PyTorch gives
    "var": (lambda: F.var(LARGE), 40416), "std": (lambda: F.std(LARGE), 201),
    "norm": (lambda: F.norm(np.full(100, 200, np.float16)), 2000),
    "cubic norm": (lambda: F.norm(np.full(1000, 100, np.float16), 3), 1000),
    "mean": (lambda: F.mean(np.full(100, 60000, np.float16)), 60000),
    "sum": (lambda: F.sum(np.ones(5000, np.float16)), 5000),
    "average": (lambda: F.avg_pool2d(np.full((1, 1, 2, 2), 60000, np.float16), 2), 60000),
    "adaptive": (lambda: F.adaptive_avg_pool2d(np.full((1, 1, 80, 80), 60000, np.float16), 1), 60000),
    "softmax": (lambda: F.softmax(np.zeros(4000, np.float16), 0)[:1] * 4000, 1),
    "logsumexp": (lambda: F.logsumexp(np.full(60000, 0, np.float16)), np.log(60000)),
    "layer norm": (lambda: F.layer_norm(LARGE, 100)[:2], [-1, 1]),
    "root mean square": (lambda: F.rms_norm(LARGE, 100)[:2], [0, 2**0.5]),
    "batch norm": (lambda: F.batch_norm(LARGE[:, None], training=True)[:2, 0], [-1, 1]),
    "cross entropy": (lambda: F.cross_entropy(np.zeros((2, 60000), np.float16), np.array([0, 1])), np.log(60000)),
    "mean of losses": (lambda: F.mse_loss(LARGE / 2, LARGE * 0), 20000),
    "index_add": (lambda: F.index_add(np.zeros(1, np.float16), 0, np.zeros(5000, int), np.ones(5000, np.float16)),
                  5000),
    "cumsum": (lambda: F.cumsum(np.ones(5000, np.float16), 0)[-1:], 5000)}


@pytest.mark.parametrize("name", SUMS)
def test_half_precision_is_summed_in_single(name):
    f, expected = SUMS[name]
    found = np.asarray(f())
    assert found.dtype == np.float16
    np.testing.assert_allclose(found.astype(float), np.broadcast_to(expected, found.shape), rtol=2e-3)


X = np.array([1.0, 2.0], np.float32)
BESIDE = {
    "add": F.add, "subtract": F.subtract, "multiply": F.multiply, "divide": F.divide, "power": F.power,
    "maximum": F.maximum, "minimum": F.minimum, "where": lambda a, b: F.where(np.array([True, False]), a, b),
    "clip": lambda a, b: F.clip(a, b, None) if np.ndim(a) else F.clip(b, None, a),
    "masked_fill": lambda a, b: F.masked_fill(a, X > 1, b) if np.ndim(a) else F.masked_fill(b, X > 1, a)}
KINDS = {"array": np.array, "Tensor": tm.tensor, "leaf": lambda v: tm.tensor(v, requires_grad=True),
         "number": lambda v: v}
CASES = [(name, dtype, kind) for name in BESIDE for dtype in (np.float64, np.float16, np.int64) for kind in KINDS
         if kind != "leaf" or dtype != np.int64 and name != "masked_fill"]     # what can have a gradient


@pytest.mark.parametrize("name, dtype, kind", CASES)
def test_an_array_without_axes_does_not_promote_one_with_axes(name, dtype, kind):
    """PyTorch's rule. A gradient has the dtype of its own Tensor."""
    number = KINDS[kind](dtype(3))
    for x in (X, tm.tensor(X), tm.tensor(X, requires_grad=True)):
        for y in (BESIDE[name](x, number), BESIDE[name](number, x)):
            assert y.dtype == np.float32 and y.shape == (2,)
            if isinstance(y, tm.Tensor) and y.requires_grad:
                leaves = [t for t in (x, number) if isinstance(t, tm.Tensor) and t.requires_grad]
                assert [d.dtype for d in tm.grad(y, leaves, np.ones(2))] == [t.dtype for t in leaves]


def test_arrays_without_axes_promote_each_other():
    half, double = np.array(1.0, np.float16), tm.tensor(np.array(1.0))
    assert F.add(half, double).dtype == np.float64 and F.add(X, np.ones(2)).dtype == np.float64
    assert F.add(np.array([1, 2]), double).dtype == np.float64
