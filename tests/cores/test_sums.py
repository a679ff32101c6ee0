"""Sums in blocks: the same numbers whatever the axes and the layout, and few roundings however many there are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.cores import sums
from tinymm.cores.sums import accumulator, column_sum, for_sums, inner, running_sum, total


@pytest.fixture
def tiny(monkeypatch):
    """Blocks of a few numbers, so that small arrays have many of them."""
    for name, value in {"BLOCK": 3, "SHORT": 2, "RUN": 8, "STRETCH": 4}.items():
        monkeypatch.setattr(sums, name, value)


@given(st.data())
def test_any_axes_of_any_layout(data):
    before = sums.BLOCK, sums.SHORT, sums.RUN
    sums.BLOCK, sums.SHORT, sums.RUN = 3, 2, 8
    try:
        shape = data.draw(st.lists(st.integers(0, 8), max_size=4))
        x = np.random.default_rng(0).standard_normal(shape).transpose(data.draw(st.permutations(range(len(shape)))))
        x = x[tuple(slice(None, None, data.draw(st.sampled_from([1, -1, 2]))) for _ in shape)]
        x = np.broadcast_to(x, (5, *x.shape)) if data.draw(st.booleans()) else x
        axes = tuple(data.draw(st.sets(st.integers(0, x.ndim - 1)))) if x.ndim else ()
        axis = data.draw(st.sampled_from([None, axes]))
        keepdims = data.draw(st.booleans())
        found, expected = total(x, axis, keepdims), np.sum(x, axis=axis, keepdims=keepdims)
    finally:
        sums.BLOCK, sums.SHORT, sums.RUN = before
    assert np.shape(found) == np.shape(expected)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("n", [1, 4, 5, 13])
def test_rows_and_columns(tiny, n, rng):
    x, y = rng.standard_normal((2, 3, n))
    np.testing.assert_allclose(inner(x, y), (x * y).sum(1), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(inner(x, y[0]), (x * y[0]).sum(1), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(column_sum(x.T), x.sum(1), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("shape, axis", [((10**6,), 0), ((10**6, 2), 0), ((2, 10**6), 1), ((1000, 3, 500), (0, 2)),
                                         ((64, 28, 28, 8), (0, 1, 2))])
def test_a_million_tenths(shape, axis):
    x = np.full(shape, 0.1, np.float32)
    n = np.prod([shape[k] for k in np.atleast_1d(axis)])
    for a, axes in ((x, axis), (x.T, tuple(-1 - k for k in np.atleast_1d(axis)))):
        np.testing.assert_allclose(total(a, axes) / n, 0.1, rtol=2e-6)
    if x.ndim == 1:
        np.testing.assert_allclose([inner(x, np.ones_like(x)) / n, running_sum(x, 0)[-1] / n], 0.1, rtol=5e-6)
    if axis == 0 and x.ndim == 2:
        np.testing.assert_allclose([column_sum(x) / n, running_sum(x, 0)[-1] / n], 0.1, rtol=1e-5)


def test_half_precision_is_added_in_single():
    x = np.full(5000, 1.0, np.float16)
    assert total(x) == 5000 and total(x).dtype == np.float16 and column_sum(x[:, None])[0] == 5000
    assert running_sum(x, 0)[-1] == 5000 and running_sum(x, 0).dtype == np.float16
    assert for_sums(x).dtype == np.float32 and for_sums([1]).dtype == np.float64
    assert accumulator(np.dtype(np.complex64), 10**6) == np.complex128


def test_whole_numbers_stay_whole():
    assert total(np.ones(3000, bool)) == 3000 and total(np.full(3000, 2**40)) == 3000 * 2**40
    assert running_sum(np.array([1, 2]), 0).tolist() == [1, 3]
