"""Stretches: nothing left out, nothing twice, whatever the size and the layout."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F
from tinymm.cores import blocks
from tinymm.cores.blocks import as_rows, in_blocks, over_rows


@pytest.fixture
def tiny(monkeypatch):
    """Blocks of a few numbers, so that small arrays have many of them."""
    monkeypatch.setattr(blocks, "BLOCK", 7)


@pytest.mark.parametrize("shape", [(), (0,), (1,), (7,), (8,), (29,), (3, 0), (5, 11)])
def test_every_element_once(tiny, shape, rng):
    x, y = rng.standard_normal((2, *shape))
    seen = []

    def fill(total, difference, x, y):
        seen.append(x.size)
        np.add(x, y, out=total)
        np.subtract(x, y, out=difference)

    total, difference = in_blocks(fill, x, y, results=2)
    np.testing.assert_array_equal(total, x + y)
    np.testing.assert_array_equal(difference, x - y)
    assert sum(seen) == x.size and max(seen, default=0) <= 7


def test_layouts(tiny, rng):
    x = rng.standard_normal((6, 10))[::2, ::-1].T
    np.testing.assert_array_equal(in_blocks(lambda out, x: np.exp(x, out=out), x), np.exp(x))


@given(st.integers(0, 30), st.integers(0, 30))
def test_rows_in_order_and_not_cut(rows, width):
    before, blocks.BLOCK = blocks.BLOCK, 20
    try:
        x = np.arange(rows * width).reshape(rows, width)
        found = over_rows(lambda x, n: (x, n), x, np.arange(rows))
    finally:
        blocks.BLOCK = before
    assert all(len(a) == len(n) and (a.size <= 20 or len(a) == 1) for a, n in found)
    assert all(a.size + width > 20 for a, _ in found[:-1])              # and no shorter than need be
    np.testing.assert_array_equal(np.concatenate([n for _, n in found] or [np.zeros(0)]), np.arange(rows))
    np.testing.assert_array_equal(np.concatenate([a for a, _ in found] or [x]), x)


def test_one_array_is_enough():
    assert over_rows(len, np.zeros((3, 2))) == [3]


def test_rows_along_the_last_axis(rng):
    x = rng.standard_normal((2, 3, 4))
    rows = as_rows(x)
    assert np.shares_memory(rows, x)
    np.testing.assert_array_equal(rows, [x[i, j] for i in range(2) for j in range(3)])


def test_rows_of_nothing():
    assert as_rows(np.zeros((2, 3, 0))).shape == (6, 0) and as_rows(np.zeros(4)).shape == (1, 4)


LAYERS = {
    "softmax": (lambda x, w: F.softmax(x, -1), 0), "log_softmax": (lambda x, w: F.log_softmax(x, -1), 0),
    "gelu": (lambda x, w: F.gelu(x), 0), "erf": (lambda x, w: F.erf(x), 0),
    "layer_norm": (lambda x, w: F.layer_norm(x, 5, w, w), 1), "rms_norm": (lambda x, w: F.rms_norm(x, 5, w), 1),
    "cross_entropy": (lambda x, w: F.cross_entropy(x, np.arange(13) % 5, w * w, label_smoothing=0.1), 0),
}


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("dtype, rtol", [(np.float32, 1e-5), (np.float64, 1e-13)])
def test_layers_do_not_depend_on_the_blocks(name, dtype, rtol, monkeypatch, rng):
    f, asking = LAYERS[name]
    x, w = rng.standard_normal((13, 5)).astype(dtype), rng.standard_normal(5).astype(dtype)

    def run():
        inputs = [tm.tensor(x, requires_grad=True), tm.tensor(w, requires_grad=True)]
        y = f(inputs[0], inputs[1] if asking else w)
        g = np.random.default_rng(1).standard_normal(y.shape).astype(dtype)
        return [y.data, *(d.data for d in tm.grad(y, inputs[:1 + asking], g))]

    whole = run()
    monkeypatch.setattr(blocks, "BLOCK", 7)
    for a, b in zip(run(), whole, strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("name, f", [
    ("softmax", lambda x: F.softmax(x, 0)), ("log_softmax", lambda x: F.log_softmax(x, -1)),
    ("logsumexp", F.logsumexp), ("gelu", F.gelu), ("layer_norm", lambda x: F.layer_norm(x, 4)),
    ("rms_norm", lambda x: F.rms_norm(x, 4)), ("batch_norm", lambda x: F.batch_norm(x, training=True)),
    ("cross_entropy", lambda x: F.cross_entropy(x, np.array([0, 3, 1]))), ("rotary", F.rotary_half_split),
    ("interleaved", F.rotary_interleaved), ("weights", F.attention_weights)])
@pytest.mark.parametrize("dtype", [int, bool])
def test_whole_numbers_become_float64(name, f, dtype, rng):
    x = rng.integers(0, 2, (3, 4)).astype(dtype)
    found = f(x)
    np.testing.assert_array_equal(found, f(x.astype(float)))
    assert found.dtype == np.float64
