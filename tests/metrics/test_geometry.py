"""Gap, alignment, uniformity, cosines by loops; invariances; the plane against an SVD; closing the gap; refusals."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.metrics import (alignment, close_gap, geometry, geometry_scores, mean_cosine, modality_gap, pair_cosines,
                            principal_plane, ranks, uniformity)


@st.composite
def pairs(draw):
    N, D = draw(st.integers(2, 7)), draw(st.integers(2, 5))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    return rng.normal(size=(2, N, D)) * 10.0 ** rng.integers(-2, 3, size=(2, N, 1))


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


@given(pairs(), st.sampled_from([1, 2, 3, 1024]))
def test_by_loops(xy, block):
    x, y = map(unit, xy)
    N = len(x)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(geometry, "BLOCK", block)                             # of rows: must not matter
        scores = geometry_scores(*xy)
    gap = x.mean(0) - y.mean(0)
    near = [np.exp(-2 * np.sum((x[i] - x[j]) ** 2)) for i in range(N) for j in range(i)]
    expected = {
        "modality_gap": math.sqrt(gap @ gap), "alignment": np.mean([np.sum((a - b) ** 2) for a, b in zip(x, y)]),
        "uniformity_x": math.log(np.mean(near)), "uniformity_y": uniformity(y),
        "cosine_matched": np.mean([a @ b for a, b in zip(x, y)]),
        "cosine_unmatched": np.mean([x[i] @ y[j] for i in range(N) for j in range(N) if i != j]),
        "cosine_within_x": np.mean([x[i] @ x[j] for i in range(N) for j in range(N) if i != j]),
        "cosine_within_y": mean_cosine(y)}
    assert list(scores) == list(expected) and scores == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert scores["alignment"] == pytest.approx(2 - 2 * scores["cosine_matched"], abs=1e-12)


@given(pairs(), st.integers(0, 99))
def test_lengths_and_rotations_do_not_matter(xy, seed):
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.normal(size=(xy.shape[2],) * 2))[0]
    scaled = xy * rng.uniform(0.1, 10, size=(*xy.shape[:2], 1)) @ rotation
    assert geometry_scores(*scaled) == pytest.approx(geometry_scores(*xy), abs=1e-9)


@given(pairs(), st.integers(0, 99))
def test_any_pairs_may_belong_together(xy, seed):
    x, y = map(unit, xy)
    targets = np.random.default_rng(seed).random((len(x), len(y))) < 0.4
    targets[:, 0] = True
    cosines = x @ y.T
    matched, unmatched = pair_cosines(*xy, targets)
    assert matched == pytest.approx(cosines[targets].mean(), abs=1e-12)
    assert unmatched == pytest.approx(cosines[~targets].mean(), abs=1e-12) if not targets.all() else True
    assert math.isnan(pair_cosines(*xy, np.ones_like(targets))[1])


def test_known_points():
    """Evenly drawn vectors of many dimensions: cosines near 0, uniformity near −4; a common direction opens a gap."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 400, 512))
    scores = geometry_scores(x, y)
    assert abs(scores["cosine_matched"]) < 0.01 and scores["uniformity_x"] == pytest.approx(-4, abs=0.02)
    assert scores["modality_gap"] == pytest.approx(math.sqrt(2 / 400), rel=0.1)     # two means of 400 unit vectors
    apart = np.zeros(512)
    apart[0] = 100.0
    assert modality_gap(x + apart, y - apart) > 1.9
    assert uniformity(np.ones((5, 3))) == pytest.approx(0, abs=1e-12)


def test_closing_the_gap_helps_where_there_is_one_and_nothing_else(rng):
    """Pairs with noise, and a constant added to each modality that hides them."""
    x = rng.normal(size=(200, 8))
    y = x + 0.3 * rng.normal(size=(200, 8))
    x, y = x + 2 * rng.normal(size=8), y + 2 * rng.normal(size=8)
    closed = close_gap(x, y)
    assert modality_gap(*closed) < 0.2 < 0.5 < modality_gap(x, y)
    assert np.mean(ranks(*closed) == 1) > np.mean(ranks(unit(x), unit(y)) == 1) + 0.1
    assert modality_gap(closed[0], closed[1][::-1]) == pytest.approx(modality_gap(*closed))  # wrong pairs: same gap
    means = unit(x).mean(0), unit(y).mean(0)
    for found, wanted in zip(close_gap(x[:3], y[:3], *means), closed):
        np.testing.assert_allclose(found, wanted[:3], atol=1e-12)


@given(pairs())
def test_the_plane_is_that_of_the_singular_vectors(xy):
    both = unit(xy.reshape(-1, xy.shape[2]))
    centred = both - both.mean(0)
    _, s, axes = np.linalg.svd(centred, full_matrices=False)
    found = principal_plane(*xy)
    assert found.share == pytest.approx((s[:2] ** 2).sum() / (s ** 2).sum(), abs=1e-9)
    plane = np.concatenate([found.x, found.y])
    np.testing.assert_allclose(plane.T @ plane, np.diag(s[:2] ** 2), atol=1e-9)
    np.testing.assert_allclose(np.abs(plane), np.abs(centred @ axes[:2].T), atol=1e-5)
    again = principal_plane(*xy)
    assert (again.x == found.x).all() and (again.y == found.y).all()


def test_a_plane_of_one_point():
    found = principal_plane(np.ones((2, 3)), np.ones((1, 3)))
    assert found.share == 1.0 and np.abs(found.x).max() < 1e-12


@pytest.mark.parametrize("x, message", [
    ([[np.nan, 1.0]], "matrix of finite numbers"), ([[0.0, 0.0]], "a vector of length 0 has no direction; got row 0"),
    ([1.0, 2.0], r"got float64 \(2,\)"), (np.zeros((0, 2)), "non-empty"), ([["a"]], "finite"),
])
def test_refusals(x, message):
    for f in (lambda x: modality_gap(x, [[1.0, 0.0]]), lambda x: alignment([[1.0, 0.0]], x), uniformity, mean_cosine,
              lambda x: pair_cosines(x, [[1.0, 0.0]]), lambda x: close_gap(x, x), lambda x: principal_plane(x, x)):
        with pytest.raises(ValueError, match=f"geometry: .*{message}"):
            f(x)


def test_refusals_of_shapes():
    with pytest.raises(ValueError, match=r"alignment: pairs must be two matrices of one shape"):
        alignment(np.eye(2), np.ones((3, 2)))
    for f in (uniformity, mean_cosine):
        with pytest.raises(ValueError, match=f"{f.__name__}: needs at least two vectors; got 1"):
            f([[1.0, 0.0]])
    with pytest.raises(ValueError, match="principal_plane: needs"):
        principal_plane([[1.0]], [[2.0]])
