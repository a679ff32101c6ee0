"""The laws count what a program that counts every step counts."""

import doctest

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm.functional as F
from benchmarks import laws
from tinymm.functional.softmaxes import softmax_vjp

sizes = st.integers(1, 9)


def test_the_examples_of_the_docstrings():
    assert doctest.testmod(laws).failed == 0


class Number:
    """A number that counts the multiplications and additions it takes part in."""

    count = 0

    def __mul__(self, other):
        Number.count += 1
        return self

    __add__ = __mul__


def numbers(*shape):
    return np.full(shape, Number(), object)


@given(sizes, sizes, sizes, sizes)
def test_operations_are_those_of_the_products(N, T, S, D):
    counted = {}
    for form in ("fused", "tiled"):
        Number.count, scores = 0, numbers(T, S)
        q, k, v, g = numbers(T, D), numbers(S, D), numbers(S, D), numbers(T, D)
        q @ k.T, scores @ v
        forward = Number.count
        if form == "tiled":
            q @ k.T
        g @ v.T, scores.T @ g, scores @ k, scores.T @ q
        counted[form] = forward, Number.count
    for form, (forward, both) in counted.items():
        # a sum of n numbers takes n − 1 additions, one less than the law has it: per element of each result
        assert laws.operations(form, N, T, S, D) == N * (forward + T * S + T * D)
        results = (2 + (form == "tiled")) * T * S + 2 * T * D + 2 * S * D
        assert laws.operations(form, N, T, S, D, backward=True) == N * (both + results)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 8))
def test_pairs_under_a_causal_mask_are_those_of_the_blocks(T, S, width):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(laws, "EDGE", width)
        visible = np.tri(T, S, dtype=bool)
        # of each block of keys, every query from the first that sees one of them
        counted = sum(min(width, min(S, T) - start) * visible[:, start].sum() for start in range(0, min(S, T), width))
        assert laws.pairs("tiled", T, S, True) == counted >= visible.sum()
        assert laws.pairs("tiled", T, S) == laws.pairs("fused", T, S, True) == T * S


class Moved(np.ndarray):
    """An array of 5 × 7 numbers, or a function's argument, that counts how often such arrays are read and written."""

    count = 0

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **options):
        inputs = [plain(a) for a in inputs]
        if out is not None:
            options["out"] = tuple(plain(a) for a in out)
        return noted(inputs, getattr(ufunc, method)(*inputs, **options))

    def __array_function__(self, function, types, inputs, options):
        if function is np.where:
            inputs = [plain(a) for a in inputs]
            return noted(inputs, function(*inputs))
        return super().__array_function__(function, types, inputs, options)


def plain(a):
    return a.view(np.ndarray) if isinstance(a, Moved) else a


def noted(inputs, result):
    """Whole passes: a mask of bytes is a quarter of one."""
    Moved.count += sum(a.itemsize / 4 for a in (*inputs, result) if np.shape(a)[-2:] in ((5, 7), (7, 5)))
    return result.view(Moved)


@pytest.mark.parametrize("is_causal", [False, True])
def test_passes_are_those_that_are_made(is_causal):
    rng = np.random.default_rng(0)
    q, k, v = (rng.standard_normal((1, n, 3), np.float32).view(Moved) for n in (5, 7, 7))
    Moved.count = 0
    F.explicit_attention(q, k, v, is_causal=is_causal)
    assert Moved.count == laws.passes(is_causal)


def test_passes_of_the_way_back_are_those_that_are_made():
    rng = np.random.default_rng(0)
    g, q, k, v, p = (rng.standard_normal((1, *shape), np.float32).view(Moved)
                     for shape in ((5, 3), (5, 3), (7, 3), (7, 3), (5, 7)))
    Moved.count = 0
    ds = softmax_vjp(g @ v.mT, p, -1)
    ds @ k, ds.mT @ q, p.mT @ g
    assert Moved.count == laws.passes(backward=True) - laws.passes()


def test_an_exponent_has_an_error():
    rng = np.random.default_rng(0)
    x = np.geomspace(1, 100, 12)
    errors = []
    for _ in range(300):
        fit = laws.fit_power(x, 5 * x**1.7 * np.exp(0.1 * rng.standard_normal(12)))
        errors.append((fit.exponent - 1.7) / fit.error)
    assert abs(np.mean(errors)) < 0.25 and 0.85 < np.std(errors) < 1.4  # Student's t with 10 degrees of freedom: 1.12
    with pytest.raises(ValueError, match="three points; got 2"):
        laws.fit_power([1, 2], [1, 2])


@given(st.floats(-5, 5), st.floats(-5, 5), st.integers(3, 20), st.integers(0, 2**32 - 1))
def test_a_fitted_line_is_that_of_the_least_squares(a, b, n, seed):
    x = np.random.default_rng(seed).normal(size=n)
    y = a + b * x + np.random.default_rng(seed + 1).normal(size=n)
    line = laws.fit_line(x, y)
    matrix = np.stack([np.ones(n), x], 1)
    (intercept, slope), (rest,), *_ = np.linalg.lstsq(matrix, y)
    assert (line.intercept, line.slope) == pytest.approx((intercept, slope), rel=1e-8, abs=1e-8)
    covariance = rest / (n - 2) * np.linalg.inv(matrix.T @ matrix)
    assert line.error == pytest.approx(np.sqrt(covariance[1, 1]), rel=1e-6, abs=1e-9)
