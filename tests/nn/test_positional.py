"""Positions: the paper's formula element by element, its relative property, and offsets."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
from tinymm import nn


@given(st.integers(0, 20), st.integers(1, 9))
def test_sinusoids_as_the_paper_writes_them(length, width):
    table = nn.sinusoids(length, width)
    assert table.shape == (length, width)
    for t in range(length):
        for k in range(width):
            angle = t / 10000 ** (2 * (k // 2) / width)
            assert math.isclose(table[t, k], math.cos(angle) if k % 2 else math.sin(angle), abs_tol=1e-12)


def test_the_product_of_two_positions_depends_on_their_distance_only():
    table = nn.sinusoids(30, 16)
    products = table @ table.T
    for distance in range(10):
        np.testing.assert_allclose(np.diag(products, distance), products[0, distance], rtol=1e-12)


def test_an_offset_continues_the_sequence(rng):
    for layer in (nn.SinusoidalPositionalEncoding(4), nn.LearnedPositionalEncoding(9, 4, rng=rng)):
        x = tm.tensor(rng.normal(size=(2, 9, 4)).astype(np.float32))
        whole = layer(x)
        np.testing.assert_array_equal(layer(x[:, 5:], offset=5).data, whole.data[:, 5:])
        assert whole.dtype == np.float32
