"""Principal components: the best few directions, a projection that is one, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.data import fit_components

seeds = st.integers(0, 2**32 - 1)


def drawn(seed):
    rng = np.random.default_rng(seed)
    n, h, w = rng.integers(2, 12), *rng.integers(1, 5, 2)
    pictures = rng.random((n, 1, h, w)).astype(np.float32)
    return pictures, int(rng.integers(1, min(n, h * w) + 1)), rng


@given(seeds)
def test_a_projection_is_idempotent_and_the_nearest_point(seed):
    pictures, k, rng = drawn(seed)
    found = fit_components(pictures, k)
    near = found.project(pictures)
    assert near.shape == pictures.shape and near.dtype == np.float32
    np.testing.assert_allclose(found.project(near), near, atol=1e-5)
    np.testing.assert_allclose(found.directions @ found.directions.T, np.eye(k), atol=1e-5)
    np.testing.assert_allclose(found.scores(pictures - near + found.mean), 0, atol=1e-5)    # what is lost is at right
    other = found.mean + (rng.standard_normal((len(pictures), k)) @ found.directions).reshape(pictures.shape)  # angles
    assert (((pictures - near) ** 2).sum() <= ((pictures - other) ** 2).sum() + 1e-5)


@given(seeds)
def test_the_loss_is_that_of_the_singular_values_left_out(seed):
    pictures, k, _ = drawn(seed)
    centred = (pictures - pictures.mean(0, dtype=float)).reshape(len(pictures), -1)
    expected = (np.linalg.svd(centred, compute_uv=False)[k:] ** 2).sum()
    loss = ((fit_components(pictures, k).project(pictures) - pictures) ** 2).sum(dtype=float)
    assert abs(loss - expected) < 1e-4


def test_all_components_keep_everything(rng):
    pictures = rng.random((9, 2, 2, 2)).astype(np.float32)
    np.testing.assert_allclose(fit_components(pictures, 8).project(pictures), pictures, atol=1e-5)


@pytest.mark.parametrize("n, k", [(1, 1), (4, 0), (4, 5), (9, 7)])
def test_impossible_numbers_are_refused(n, k):
    with pytest.raises(ValueError, match=f"fit_components: needs two pictures or more .*; got {n} pictures, {k} comp"):
        fit_components(np.zeros((n, 1, 2, 3), np.float32), k)
