"""Drawn digits: pictures of what was asked for, that differ, and that a linear model alone does not tell apart."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.data import draw_digits
from tinymm.data.images import digits
from tinymm.recipes.shared.baselines import logistic_regression, nearest_neighbour

seeds = st.integers(0, 2**32 - 1)


@given(seeds, st.lists(st.integers(0, 9), min_size=1, max_size=4), st.integers(8, 32))
def test_any_digits_are_drawn(seed, labels, size):
    pictures = draw_digits(labels, np.random.default_rng(seed), size)
    assert pictures.shape == (len(labels), 1, size, size) and pictures.dtype == np.float32
    assert pictures.min() >= 0 and pictures.max() <= 1
    assert (pictures.mean((1, 2, 3)) < 0.45).all() and (pictures.max((1, 2, 3)) > 0.4).all()
    np.testing.assert_array_equal(pictures, draw_digits(labels, np.random.default_rng(seed), size))


def test_a_line_is_inked_where_the_formula_says(monkeypatch):
    """One upright stroke, nothing random about it: ink falls from the pen's half thickness on over the soft edge."""
    for name, value in (("JITTER", 0.0), ("SLANT", 0.0), ("TURN", 0.0), ("REACH", 0.0), ("GRAIN", 0.0),
                        ("PEN", (0.05, 0.05)), ("INK", (1.0, 1.0)), ("SIZES", (0.8, 0.8)),
                        ("SHAPES", {1: (".50,.05 .50,.95",)}), ("STEP", 0.01)):
        monkeypatch.setattr(digits, name, value)
    picture = draw_digits([1], np.random.default_rng(0), 40)[0, 0]
    d = np.abs((np.arange(40) + 0.5) / 40 - 0.5)
    np.testing.assert_allclose(picture[20], np.clip((0.05 - d) / digits.EDGE + 0.5, 0, 1), atol=0.02)
    assert not picture[:2].any() and not picture[-2:].any()   # a tenth of the side, less pen and edge


@given(seeds)
def test_a_curve_passes_through_its_points(seed):
    rng = np.random.default_rng(seed)
    points = rng.random((5, 2))
    curve = digits._curve(points, [2], np.random.default_rng(seed))
    jittered = points + digits.JITTER * np.random.default_rng(seed).standard_normal(points.shape)
    for point in jittered:
        assert np.abs(curve - point).sum(1).min() < 1e-12


def test_digits_can_be_told_apart_but_not_from_a_few_components():
    rng = np.random.default_rng(0)
    labels = np.arange(1000) % 10
    pictures = draw_digits(labels, rng).reshape(1000, -1)
    known, new = slice(0, 800), slice(800, None)
    nearest = (nearest_neighbour(pictures[known], labels[known], pictures[new]) == labels[new]).mean()
    linear = (logistic_regression(pictures[known], labels[known], pictures[new], 10, 1e-2) == labels[new]).mean()
    assert nearest > 0.85 and 0.85 < linear < 1.0
    centred = pictures - pictures[known].mean(0)
    few = centred @ np.linalg.svd(centred[known], full_matrices=False)[2][:4].T
    assert 0.35 < (logistic_regression(few[known], labels[known], few[new], 10) == labels[new]).mean() < 0.7


@pytest.mark.parametrize("labels, size", [([10], 28), ([-1, 3], 28), ([3], 7)])
def test_what_is_no_digit_or_too_small_is_refused(labels, size, rng):
    with pytest.raises(ValueError, match="draw_digits: needs digits from 0 to 9 and 8 pixels a side or more; got"):
        draw_digits(labels, rng, size)
