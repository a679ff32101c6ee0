"""Dropout acts in training only, in every layer that promises it, and where it promises it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
from tinymm import nn

LAYERS = {
    "Dropout": lambda p, rng: nn.Dropout(p, rng=rng),
    "GRU": lambda p, rng: nn.GRU(6, 6, 2, dropout=p, rng=rng),
    "MultiheadAttention": lambda p, rng: nn.MultiheadAttention(6, 2, p, rng=rng),
    "TransformerEncoderLayer": lambda p, rng: nn.TransformerEncoderLayer(6, 2, 8, p, rng=rng),
    "TransformerDecoderLayer": lambda p, rng: nn.TransformerDecoderLayer(6, 2, 8, p, rng=rng),
}


def run(layer, x):
    inputs = [x] * {"MultiheadAttention": 3, "TransformerDecoderLayer": 2}.get(type(layer).__name__, 1)
    y = layer(*inputs)
    return (y[0] if isinstance(y, tuple) else y).data


@pytest.mark.parametrize("name", list(LAYERS))
def test_acts_in_training_only(name, rng):
    layer, x = LAYERS[name](0.5, rng), tm.tensor(rng.normal(size=(2, 5, 6)).astype(np.float32))
    assert not np.array_equal(run(layer, x), run(layer, x))
    layer.eval()
    np.testing.assert_array_equal(run(layer, x), run(layer, x))


def test_everything_dropped_leaves_the_residual_path(rng):
    """With p = 1 only what no dropout touches is left: residuals, norms and biases."""
    x = tm.tensor(rng.normal(size=(2, 5, 6)).astype(np.float32))
    for kind in ("TransformerEncoderLayer", "TransformerDecoderLayer"):
        layer = LAYERS[kind](1.0, rng)
        layer.norm_first = True
        np.testing.assert_array_equal(run(layer, x), x.data)
        layer.norm_first = False
        norms = [layer.norm1, layer.norm2, *([layer.norm3] if "Decoder" in kind else [])]
        np.testing.assert_array_equal(run(layer, x), nn.Sequential(*norms)(x).data)
    attention = LAYERS["MultiheadAttention"](1.0, rng)
    np.testing.assert_array_equal(run(attention, x), 0 * x.data)  # both of its output biases start at zero
    gru = LAYERS["GRU"](1.0, rng)
    moved = tm.tensor(x.data + 1)
    np.testing.assert_array_equal(run(gru, x), run(gru, moved))  # nothing of the first layer reaches the second
    assert not np.array_equal(gru(x)[1].data[0], gru(moved)[1].data[0])  # but the first layer reads all of x


@given(st.floats(0.05, 0.95), st.integers(0, 2**32 - 1))
def test_the_mean_is_kept(p, seed):
    y = nn.Dropout(p, rng=np.random.default_rng(seed))(tm.tensor(np.ones(20000))).data
    assert abs(y.mean() - 1) < 6 * np.sqrt(p / (1 - p) / 20000)  # six standard errors
    assert set(np.unique(y)) <= {0.0, 1 / (1 - p)}
