"""Reductions, extremes and sorting where spec rows do not go: ties, zeros, infinities, nothing at all."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F
from tinymm.testing import gradcheck, gradgradcheck


def gradient(f, x, g=None):
    x = tm.tensor(x, requires_grad=True, dtype=np.float64)
    y = f(x)
    y.backward(np.ones(y.shape) if g is None else g)
    return x.grad


def test_equals_share_the_gradient_of_amax_and_amin():
    np.testing.assert_array_equal(gradient(lambda x: F.amax(x, 1), [[2, 5, 5], [1, 1, 1]], [6.0, 3.0]),
                                  [[0, 3, 3], [1, 1, 1]])
    np.testing.assert_array_equal(gradient(F.amin, [[2, 5], [2, 2]], 6.0), [[2, 0], [2, 2]])
    np.testing.assert_array_equal(gradient(F.max, [4, 4, 1], 6.0), [3, 3, 0])


def test_max_along_an_axis_pays_the_index_it_names():
    values, index = F.max(tm.tensor([[2.0, 5.0, 5.0]]), dim=1)
    assert index.data.tolist() == [1] and index.dtype == np.intp and values.data.tolist() == [5]
    np.testing.assert_array_equal(gradient(lambda x: F.max(x, 1)[0], [[2, 5, 5]], [6.0]), [[0, 6, 0]])
    np.testing.assert_array_equal(gradient(lambda x: F.min(x, 1)[0], [[2, 5, 2]], [6.0]), [[6, 0, 0]])


@pytest.mark.parametrize("zeros", [(), (1,), (0, 3), (0, 1, 2, 3)])
def test_product_with_zeros_has_the_right_first_and_second_derivatives(zeros, rng):
    x = rng.uniform(0.5, 2, (2, 4))
    x[0, list(zeros)] = 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        others = [[np.prod(np.delete(row, k)) for k in range(4)] for row in x]
        np.testing.assert_allclose(gradient(lambda a: F.prod(a, 1), x), others, rtol=1e-12)
        assert gradcheck(lambda a: F.prod(a, 1), [x]) and gradgradcheck(lambda a: F.prod(a, 1), [x])
        assert gradgradcheck(F.prod, [x])


def test_logsumexp_of_nothing_but_minus_infinity_has_zero_gradient():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x = np.array([[-np.inf, -np.inf], [0.0, -np.inf], [1e4, 1e4]])
        y = F.logsumexp(x, 1)
        np.testing.assert_allclose(y, [-np.inf, 0, 1e4 + np.log(2)], rtol=1e-15)
        # x - y at 1e4 is exact to 1e4 epsilons
        np.testing.assert_allclose(gradient(lambda a: F.logsumexp(a, 1), x), [[0, 0], [1, 0], [0.5, 0.5]], rtol=1e-11)


def test_of_no_elements():
    empty = np.zeros((0, 3))
    assert F.sum(empty) == 0 and F.prod(empty) == 1 and F.logsumexp(empty) == -np.inf
    assert F.sum(empty, 0).shape == (3,) and F.cumsum(empty, 0).shape == (0, 3)
    for f in (F.amax, F.amin, F.max, F.min):
        with pytest.raises(ValueError, match=r"at least one element.*\(0, 3\)"):
            f(empty, 0)
    for f in (F.sum, F.prod, F.logsumexp):
        assert gradient(f, empty).shape == (0, 3)
        np.testing.assert_array_equal(gradient(lambda x, f=f: f(x, 1), empty), empty)


def test_spread_of_equal_elements_has_zero_gradient():
    np.testing.assert_array_equal(gradient(lambda x: F.std(x, 0), [3.0, 3.0, 3.0]), [0, 0, 0])


@pytest.mark.filterwarnings("ignore:Degrees of freedom", "ignore:invalid value")
def test_variance_of_one_element_is_nan():
    assert np.isnan(F.var(np.array([1.0]))) and F.var(np.array([1.0]), correction=0) == 0
    assert np.isnan(gradient(F.var, [1.0])).all()


def test_an_index_needs_a_single_axis():
    with pytest.raises(ValueError, match="amax takes several"):
        F.max(np.ones((2, 2)), (0, 1))


@given(st.lists(st.integers(0, 3), min_size=1, max_size=8), st.booleans())
def test_sort_is_stable_both_ways(values, descending):
    x = np.array(values, float)
    _, index = F.sort(x, descending=descending)
    assert index.tolist() == sorted(range(len(values)), key=lambda k: -values[k] if descending else values[k])


@given(st.lists(st.integers(0, 3), min_size=1, max_size=8), st.booleans(), st.data())
def test_topk_among_equals_gives_distinct_places_and_the_sorted_values(values, largest, data):
    x, k = np.array(values, float), data.draw(st.integers(0, len(values)))
    top, index = F.topk(x, k, largest=largest)
    assert top.tolist() == sorted(values, reverse=largest)[:k] and len(set(index.tolist())) == k
    assert x[index].tolist() == top.tolist()


def test_topk_of_too_many():
    with pytest.raises(ValueError, match=r"topk: k must lie in \[0, 3\].*got 4"):
        F.topk(np.zeros((2, 3)), 4)


@pytest.mark.parametrize("f", [F.var, F.std])
def test_each_row_is_measured_from_itself(f):
    """A row far from zero takes no digits from another."""
    rows = np.array([[1e16, 1e16, 1e16], [1.0, 2.0, 4.0]])
    both = gradient(lambda x: f(x, 1), rows)
    np.testing.assert_array_equal(both[0], 0)
    np.testing.assert_allclose(both[1], gradient(lambda x: f(x, 0), rows[1]), rtol=1e-14)


def test_product_over_no_axis_is_each_element(rng):
    x = rng.standard_normal((2, 3))
    np.testing.assert_array_equal(F.prod(x, ()), x)
    np.testing.assert_array_equal(gradient(lambda x: F.prod(x, ()), x, 2 * x), 2 * x)
