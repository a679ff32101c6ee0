"""Histograms of edges and colours: against loops over pixels, and what must not change them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinymm.data import colour_histograms, gradient_histograms
from tinymm.data.images.histograms import FAINT, LARGEST

seeds = st.integers(0, 2**32 - 1)
sides = st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(2, 4))  # rows and columns of cells, side of a cell


def drawn(size, seed, channels=3, dtype=float):
    rows, columns, cell = size
    return np.random.default_rng(seed).random((2, channels, rows * cell, columns * cell)).astype(dtype)


def slow_gradients(image, rows, columns, cell, directions):
    """One picture (C, H, W), pixel by pixel and block by block."""
    C, H, W = image.shape
    h = np.zeros((directions, rows, columns))
    for y in range(H):
        for x in range(W):
            pairs = [(image[c, y, x + 1] - image[c, y, x - 1] if 0 < x < W - 1 else 0.0,
                      image[c, y + 1, x] - image[c, y - 1, x] if 0 < y < H - 1 else 0.0) for c in range(C)]
            gx, gy = max(pairs, key=lambda pair: math.hypot(*pair))
            place = (math.atan2(gy, gx) % math.pi) / math.pi * directions
            first, share = int(place), place - int(place)
            h[first % directions, y // cell, x // cell] += math.hypot(gx, gy) * (1 - share)
            h[(first + 1) % directions, y // cell, x // cell] += math.hypot(gx, gy) * share
    result = np.zeros((4, directions, rows, columns))
    for r in range(rows):
        for c in range(columns):
            for block, (up, left) in enumerate([(r - 1, c - 1), (r - 1, c), (r, c - 1), (r, c)]):
                near = [(i, j) for i in (up, up + 1) for j in (left, left + 1) if 0 <= i < rows and 0 <= j < columns]
                energy = sum((h[:, i, j] ** 2).sum() for i, j in near)
                result[block, :, r, c] = np.minimum(h[:, r, c] / math.sqrt(energy + FAINT**2), LARGEST)
    return result.reshape(-1, rows, columns)


@settings(max_examples=20)
@given(sides, st.integers(1, 6), st.integers(1, 3), seeds)
def test_gradients_are_those_of_a_loop_over_pixels(size, directions, channels, seed):
    images = drawn(size, seed, channels)
    found = gradient_histograms(images, size[2], directions)
    for image, histogram in zip(images, found):
        np.testing.assert_allclose(histogram, slow_gradients(image, *size, directions), rtol=1e-12, atol=1e-12)


@settings(max_examples=20)
@given(sides, st.floats(-5, 5), seeds)
def test_neither_light_nor_the_sign_of_an_edge_matters(size, light, seed):
    """A picture and its negative have the same edges, however bright: directions are those of lines, not of arrows."""
    images = drawn(size, seed)
    expected = gradient_histograms(images, size[2])
    for other in (images + light, 1 - images):
        np.testing.assert_allclose(gradient_histograms(other, size[2]), expected, rtol=1e-9, atol=1e-9)


@settings(max_examples=20)
@given(sides, st.sampled_from([2, 4, 6]), seeds)
def test_a_turned_picture_has_turned_edges(size, directions, seed):
    """By 90°: the cells turn, every direction becomes the one half a circle of directions on."""
    images, cell = drawn(size, seed), size[2]
    turned = gradient_histograms(np.rot90(images, axes=(2, 3)), cell, directions)
    expected = np.rot90(gradient_histograms(images, cell, directions), axes=(2, 3))
    n, _, h, w = turned.shape
    turned, expected = (np.sort(a.reshape(n, 4, directions, h, w), axis=1) for a in (turned, expected))  # blocks turn
    np.testing.assert_allclose(turned, np.roll(expected, directions // 2, axis=2), rtol=1e-9, atol=1e-9)


@settings(max_examples=20)
@given(sides, st.integers(1, 4), seeds)
def test_colours_are_counted_wherever_they_lie_in_a_cell(size, levels, seed):
    rows, columns, cell = size
    images = drawn(size, seed)
    images[0, :, 0, 0] = 1.0                                             # the brightest white still has a level
    found = colour_histograms(images, cell, levels)
    np.testing.assert_allclose((found**2).sum(1), 1, rtol=1e-12)
    for n, image in enumerate(images):
        for r in range(rows):
            for c in range(columns):
                pixels = image[:, r * cell:(r + 1) * cell, c * cell:(c + 1) * cell].reshape(3, -1).T
                named = [tuple(min(int(v * levels), levels - 1) for v in pixel) for pixel in pixels]
                for red, green, blue in set(named):
                    share = found[n, (red * levels + green) * levels + blue, r, c] ** 2
                    assert share == pytest.approx(named.count((red, green, blue)) / len(named))


@pytest.mark.parametrize("histograms", [gradient_histograms, colour_histograms])
def test_what_goes_in_comes_out(histograms):
    for dtype in (np.float32, np.float64):
        assert histograms(drawn((2, 3, 4), 0, dtype=dtype), 4).dtype == dtype
    assert np.isfinite(histograms(np.zeros((1, 3, 4, 4)), 2)).all()
    for cell in (3, 0):
        with pytest.raises(ValueError, match=f"{histograms.__name__}: cells must fill the pictures; got cells of "
                                             f"{cell} in 4×8"):
            histograms(np.zeros((1, 3, 4, 8)), cell)
