"""Sketches and circular products beyond the ladder: identities, unbiasedness by enumeration, wrong shapes."""

import itertools

import numpy as np
import pytest

import tinymm as tm
import tinymm.functional as F


def all_sketches(width, n):
    """Every choice of places and signs for `width` elements."""
    for index in itertools.product(range(n), repeat=width):
        for sign in itertools.product((-1.0, 1.0), repeat=width):
            yield np.array(index), np.array(sign)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_inner_products_of_sketches_are_unbiased(n, rng):
    """The mean over every sketch there is."""
    x, y = rng.standard_normal((2, 3))
    products = [F.count_sketch(x, *sketch, n) @ F.count_sketch(y, *sketch, n) for sketch in all_sketches(3, n)]
    assert np.mean(products) == pytest.approx(x @ y, rel=1e-12)


@pytest.mark.parametrize("n", [2, 3])
def test_convolved_sketches_keep_the_inner_product_of_outer_products(n, rng):
    """The mean of ⟨Ψx ∗ Ψy, Ψx′ ∗ Ψy′⟩ is ⟨x, x′⟩⟨y, y′⟩, that of the outer products."""
    x, y = rng.standard_normal((2, 2, 2))                                # two vectors each
    left, right = ([F.count_sketch(v, *sketch, n) for sketch in all_sketches(2, n)] for v in (x, y))
    pooled = F.circular_convolution(np.array(left)[:, None], np.array(right)[None])
    assert (pooled[:, :, 0] * pooled[:, :, 1]).sum(-1).mean() == pytest.approx((x[0] @ x[1]) * (y[0] @ y[1]), rel=1e-12)


@pytest.mark.parametrize("n", [1, 2, 5, 8, 9])
def test_the_gradient_of_a_convolution_is_a_correlation(n, rng):
    a, b, g = rng.standard_normal((3, n))
    leaves = [tm.tensor(v, requires_grad=True) for v in (a, b)]
    F.circular_convolution(*leaves).backward(g)
    around = np.arange(n)
    np.testing.assert_allclose(leaves[0].grad, [b[(around - m) % n] @ g for m in around], atol=1e-12)
    np.testing.assert_allclose(leaves[1].grad, F.circular_correlation(a, g), atol=1e-12)


@pytest.mark.parametrize("f", [F.circular_convolution, F.circular_correlation])
def test_circles_of_different_length_are_refused_by_name(f):
    rule = f"{f.__name__}: both must have the same last axis"
    with pytest.raises(ValueError, match=rule + r", .*; got \(2,\) and \(3,\)"):
        f(np.ones(2), np.ones(3))
    with pytest.raises(ValueError, match=rule):
        f(np.ones((2, 0)), np.ones((2, 0)))


def test_a_sketch_needs_a_place_for_each_element():
    with pytest.raises(ValueError, match=r"count_sketch: index and sign must be as many as .*; got \(2,\), \(3,\) and"):
        F.count_sketch(np.ones(3), np.array([0, 1]), np.ones(3), 2)
    with pytest.raises(IndexError):
        F.count_sketch(np.ones(2), np.array([0, 2]), np.ones(2), 2)
