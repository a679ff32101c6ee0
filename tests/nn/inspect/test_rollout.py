"""Rollout against a walk along every path; the first filters are the first layer's."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm import nn
from tinymm.nn.inspect.filters import first_layer_filters
from tinymm.nn.inspect.rollout import attention_rollout


def drawn(rng, layers, heads, length, batch=2):
    scores = rng.exponential(size=(layers, batch, heads, length, length))
    return list(scores / scores.sum(-1, keepdims=True))


@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(1, 3), st.integers(1, 4))
def test_rollout_sums_over_all_paths(seed, layers, heads, length):
    """A path steps back from layer to layer;
    at each it stays (½) or goes where some head looks (½, shared by the heads)."""
    weights = drawn(np.random.default_rng(seed), layers, heads, length)
    found = attention_rollout(weights)
    for b, last, first in product(range(2), range(length), range(length)):
        total = 0.0
        for between in product(range(length), repeat=layers - 1):
            path = [last, *between, first]
            share = 1.0
            for step, (here, there) in enumerate(zip(path, path[1:])):
                A = weights[layers - 1 - step][b]
                share *= 0.5 * A[:, here, there].mean() + 0.5 * (here == there)
            total += share
        assert found[b, last, first] == pytest.approx(total, abs=1e-12)
    np.testing.assert_allclose(found.sum(-1), 1)


def test_what_no_one_attends_to_stays_with_itself(rng):
    """A padded last position: a column of zeros, and its own row fully masked."""
    weights = drawn(rng, 3, 2, 4)
    for A in weights:
        A[..., 3] = 0
        A /= A.sum(-1, keepdims=True)
        A[..., 3, :] = 0
    found = attention_rollout(weights)
    np.testing.assert_array_equal(found[:, :3, 3], 0)
    np.testing.assert_array_equal(found[:, 3], [[0, 0, 0, 1]] * 2)


def test_of_a_transformer_as_recorded(rng):
    layers = [nn.TransformerEncoderLayer(8, 2, 16, norm_first=True, rng=rng) for _ in range(3)]
    encoder = nn.TransformerEncoder(layers).eval()
    with nn.record_attention(encoder) as maps:
        encoder(rng.standard_normal((2, 5, 8)).astype(np.float32))
    found = attention_rollout([calls[0] for calls in maps.values()])
    assert found.shape == (2, 5, 5) and found.dtype == np.float32
    np.testing.assert_allclose(found.sum(-1), 1, atol=1e-5)


def test_errors_name_the_rule(rng):
    with pytest.raises(ValueError, match="attention_rollout: needs the weights of at least one layer; got none"):
        attention_rollout([])
    with pytest.raises(ValueError,
                       match=r"must be \(B, H, T, T\), of the same B and T; got \(2, 1, 3, 3\), \(2, 1, 4, 4\)"):
        attention_rollout([drawn(rng, 1, 1, 3)[0], drawn(rng, 1, 1, 4)[0]])
    with pytest.raises(ValueError, match=r"got \(2, 3, 3\)"):
        attention_rollout([drawn(rng, 1, 1, 3)[0][:, 0]])


def test_the_first_filters_are_a_copy_of_the_first_layers(rng):
    model = nn.Sequential(nn.Sequential(nn.ReLU(), nn.Conv1d(3, 5, 7, rng=rng)), nn.Conv1d(5, 2, 3, rng=rng))
    filters = first_layer_filters(model)
    np.testing.assert_array_equal(filters, model[0][1].weight.data)
    assert first_layer_filters(nn.Sequential(nn.Conv3d(3, 5, 7, rng=rng))).shape == (5, 3, 7, 7, 7)
    filters[...] = 0
    assert model[0][1].weight.data.any()
    with pytest.raises(ValueError, match="first_layer_filters: the module must hold a Conv1d, Conv2d or Conv3d; got"):
        first_layer_filters(nn.Linear(3, 2, rng=rng))
