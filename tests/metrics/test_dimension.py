"""Intrinsic dimensions of manifolds that are known, and what must not change them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinymm.metrics import intrinsic_dimension, participation_ratio

seeds = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize("dimension", [1, 2, 4])
@pytest.mark.parametrize("seed", range(3))
def test_a_cube_in_a_larger_space(dimension, seed):
    rng = np.random.default_rng(seed)
    x = rng.random((2000, dimension)) @ rng.standard_normal((dimension, 10))
    assert intrinsic_dimension(x) == pytest.approx(dimension, rel=0.12)


def test_curved_manifolds(rng):
    t, u = rng.random((2, 2000))
    roll = np.stack([(1 + 2 * t) * np.cos(5 * t), u, (1 + 2 * t) * np.sin(5 * t)], 1)
    assert intrinsic_dimension(roll) == pytest.approx(2, rel=0.12)
    sphere = rng.standard_normal((3000, 4))
    assert intrinsic_dimension(sphere / np.linalg.norm(sphere, axis=1, keepdims=True)) == pytest.approx(3, rel=0.12)


@given(seeds, st.floats(0.001, 1000), st.floats(-100, 100))
@settings(max_examples=20, deadline=None)
def test_size_place_and_direction_do_not_matter(seed, scale, shift):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((100, 3)) * [1.0, 2.0, 3.0]
    turned = scale * x @ np.linalg.qr(rng.standard_normal((3, 3)))[0] + shift
    assert intrinsic_dimension(turned) == pytest.approx(intrinsic_dimension(x), rel=1e-5)
    assert participation_ratio(turned) == pytest.approx(participation_ratio(x), rel=1e-6)


def test_equal_rows_count_once(rng):
    x = rng.random((200, 3))
    assert intrinsic_dimension(np.concatenate([x, x[:50]])) == intrinsic_dimension(x)


def test_the_slope_is_that_of_its_definition(rng):
    x = rng.random((60, 3))
    distances = np.sort(np.linalg.norm(x[:, None] - x[None], axis=-1), 1)
    log_ratio = np.sort(np.log(distances[:, 2] / distances[:, 1]))[:54]
    heights = -np.log(1 - np.arange(1, 55) / 60)
    assert intrinsic_dimension(x) == pytest.approx(np.linalg.lstsq(log_ratio[:, None], heights, rcond=None)[0][0])


@given(seeds)
@settings(max_examples=20, deadline=None)
def test_the_participation_ratio_is_that_of_the_eigenvalues(seed):
    rng = np.random.default_rng(seed)
    for shape in ((20, 5), (5, 20)):
        x = rng.standard_normal(shape)
        values = np.linalg.eigvalsh(np.cov(x.T))
        assert participation_ratio(x) == pytest.approx(values.sum() ** 2 / (values ** 2).sum())


def test_a_curve_may_reach_many_axes(rng):
    t = 2 * np.pi * rng.random(2000)[:, None]
    x = np.concatenate([np.cos(k * t) for k in range(1, 6)] + [np.sin(k * t) for k in range(1, 6)], 1)
    assert intrinsic_dimension(x) == pytest.approx(1, rel=0.12) and participation_ratio(x) > 9


def test_ends_and_bad_input(rng):
    assert participation_ratio(np.ones((3, 2))) == 0
    with pytest.raises(ValueError, match="intrinsic_dimension: at least 10 rows must differ; got 1 of 30"):
        intrinsic_dimension(np.ones((30, 2)))
    with pytest.raises(ValueError, match="discard must be at least 0 and below 1; got 1"):
        intrinsic_dimension(rng.random((30, 2)), 1)
    with pytest.raises(ValueError, match=r"participation_ratio: x must be finite, of shape \(N, D\); got shape \(3,\)"):
        participation_ratio(np.ones(3))
