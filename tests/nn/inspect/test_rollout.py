"""Rollout against a walk along every path; the first filters are the first layer's."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm import nn
from tinymm.nn.inspect.filters import first_layer_filters
from tinymm.nn.inspect.rollout import attention_relevance, attention_rollout, joint_attention


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


def two_streams(rng, T, N, uniform=False):
    """Random weights of a layer of each stream and of what is between them: kinds, weights."""
    shapes = [("first", (1, 2, T, T)), ("second", (1, 2, N, N)), ("between", (1, 2, T, N))]

    def weights(shape):
        scores = np.ones(shape) if uniform else rng.exponential(size=shape)
        return scores / scores.sum(-1, keepdims=True)

    return [(kind, (weights(shape), weights((1, 2, N, T))) if kind == "between" else weights(shape))
            for kind, shape in shapes]


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 4))
def test_rollout_of_two_streams_gives_shares(seed, T, N):
    layers = [joint_attention(*layer, (T, N)) for layer in two_streams(np.random.default_rng(seed), T, N)]
    found = attention_rollout(layers)
    assert found.shape == (1, T + N, T + N) and found.min() >= 0
    np.testing.assert_allclose(found.sum(-1), 1)


def test_rollout_of_uniform_attention_is_uniform_over_each_stream():
    """But for what stays with itself: all others of a stream get the same."""
    T, N = 3, 4
    layers = [joint_attention(*layer, (T, N)) for layer in two_streams(None, T, N, uniform=True)]
    found, = attention_rollout(layers)
    for rows, columns in ((slice(T), slice(T, None)), (slice(T, None), slice(T))):
        np.testing.assert_allclose(found[rows, columns], found[rows, columns].flat[0])
    for own in (found[:T, :T], found[T:, T:]):
        apart = own[~np.eye(len(own), dtype=bool)]
        np.testing.assert_allclose(apart, apart[0])
        np.testing.assert_allclose(np.diag(own), own[0, 0])


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 4))
def test_relevance_of_two_streams(seed, T, N):
    """Without a gradient everything keeps to itself; what lowers the score counts nothing; else it is one product."""
    rng = np.random.default_rng(seed)
    layers = [joint_attention(*layer, (T, N)) for layer in two_streams(rng, T, N)]
    zero = [np.zeros_like(layer) for layer in layers]
    np.testing.assert_array_equal(attention_relevance(layers, zero)[0], np.eye(T + N))
    falling = [-rng.exponential(size=layer.shape) for layer in layers]
    np.testing.assert_array_equal(attention_relevance(layers, falling)[0], np.eye(T + N))
    gradients = [rng.standard_normal(layer.shape) for layer in layers]
    expected = np.eye(T + N)
    for A, g in zip(layers, gradients):
        expected = (np.eye(T + N) + np.maximum(A * g, 0).mean(1)[0]) @ expected
    np.testing.assert_allclose(attention_relevance(layers, gradients)[0], expected, rtol=1e-12)


def test_relevance_refuses_what_does_not_fit():
    A = np.ones((1, 1, 2, 2))
    for weights, gradients in (([], []), ([A], []), ([A], [A[..., :1]]), ([A[0]], [A[0]])):
        with pytest.raises(ValueError, match="attention_relevance: weights and gradients must be"):
            attention_relevance(weights, gradients)
