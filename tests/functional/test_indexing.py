"""Reading, scattering and choosing where spec rows do not go: Tensors as indices, repeats at scale, NaN next door."""

import re
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F
from tinymm.testing import gradcheck
from tinymm.testing.specs.indexing import to_read


@given(to_read(), st.integers(0, 2**32 - 1))
def test_getitem_is_numpys_and_its_gradient_the_slow_scatter(call, seed):
    (x,), kwargs = call
    index = kwargs["index"]
    t = tm.Tensor(x).requires_grad_()
    y = t[index]
    np.testing.assert_array_equal(y.data, x[index])
    g = np.random.default_rng(seed).standard_normal(y.shape)
    y.backward(g)
    expected = np.zeros_like(x)
    np.add.at(expected, index, g)
    np.testing.assert_allclose(t.grad, expected, rtol=1e-13, atol=1e-14)  # sums in another order


@pytest.mark.parametrize("index", [
    tm.tensor([0, 2, 0]), tm.tensor(1), (tm.tensor([0, 1]), 0), (slice(None), tm.tensor([3, 3])), [0, -1, 0], [], True,
    (tm.tensor([True, False, True]), slice(1, 3)), (Ellipsis, None, tm.tensor([[0], [1]])), np.int64(1),
    [tm.tensor(1), 2],
])
def test_anything_that_counts_is_an_index(index):
    def plain(part):
        if isinstance(part, tuple):
            return tuple(map(plain, part))
        if isinstance(part, list):
            return np.array([int(k) for k in part], int)
        return part.data if isinstance(part, tm.Tensor) else part

    x = np.random.default_rng(0).standard_normal((3, 4))
    np.testing.assert_array_equal(tm.Tensor(x)[index].data, x[plain(index)])
    assert gradcheck(lambda a: a[index], [x])


@pytest.mark.parametrize("dtype, rtol", [(np.float32, 1e-4), (np.float64, 1e-12)])
@pytest.mark.parametrize("index_of", [lambda k: k, lambda k: (k, slice(None)), lambda k: (slice(None), k % 16),
                                      lambda k: k.reshape(50, -1), lambda k: -1 - k])
def test_many_repeats_add_up(dtype, rtol, index_of, rng):
    index = index_of(rng.integers(0, 40, 2000))
    x = np.zeros((40, 16), dtype)
    g = rng.standard_normal(x[index].shape).astype(dtype)
    expected = np.zeros(x.shape)
    np.add.at(expected, index, g)
    got = F.place(g, index, x.shape)
    assert got.dtype == dtype
    np.testing.assert_allclose(got, expected, rtol=rtol, atol=rtol * np.abs(expected).max())


def test_an_index_that_does_not_fit():
    x = tm.tensor(np.zeros((2, 3)), requires_grad=True)
    for index in (2, (0, 0, 0), [0, 5], np.ones((3, 3), bool)):
        with pytest.raises(IndexError, match=r"getitem: .*\(2, 3\)"):
            x[index]


@pytest.mark.parametrize("call, words", [
    (lambda x: F.gather(x, 0, np.zeros((2,), int)), r"gather: .*\(2,\) for \(2, 3\)"),
    (lambda x: F.gather(x, 0, np.zeros((2, 4), int)), "gather: "),
    (lambda x: F.scatter_add(x, 1, np.zeros((2, 3), int), x[:1]), r"scatter_add: .*\(2, 3\) and \(1, 3\)"),
    (lambda x: F.index_add(x, 1, np.zeros(2, int), x), r"index_add: .*\(2, 2\); got \(2,\) and \(2, 3\)"),
    (lambda x: F.take_along_axis(x, np.zeros(2, int), 0), "take_along_axis: "),
    (lambda x: F.where(x, x, 0.0), "where: the condition must be boolean; got float64"),
    (lambda x: F.masked_fill(x, np.zeros((2, 2, 3), bool), 0.0), r"masked_fill: .*\(2, 2, 3\) and \(2, 3\)"),
    (lambda x: F.masked_fill(x, np.zeros((2, 3), int), 0.0), "masked_fill: the mask must be boolean"),
    (lambda x: F.clip(x), "clip: at least one"),
])
def test_errors_name_the_op_the_rule_and_what_came(call, words):
    with pytest.raises(ValueError, match=words):
        call(np.zeros((2, 3)))


def test_nan_in_the_branch_not_taken_leaves_no_trace():
    x = tm.tensor([-1.0, 4.0], requires_grad=True)
    bad = tm.tensor([np.nan, 1.0], requires_grad=True)
    y = F.where(x > 0, bad, x * 2)
    y.backward(np.array([3.0, 5.0], np.float32))
    np.testing.assert_array_equal(y.data, [-2, 1])
    np.testing.assert_array_equal(x.grad, [6, 0])
    np.testing.assert_array_equal(bad.grad, [0, 5])
    z = tm.tensor([np.nan, np.inf, 1.0], requires_grad=True)
    F.masked_fill(z, np.array([True, True, False]), 0.0).backward(np.array([np.nan, np.inf, 2], np.float32))
    np.testing.assert_array_equal(z.grad, [0, 0, 2])


def test_clip_lets_the_gradient_pass_at_its_bounds():
    x = tm.tensor([-2.0, -1.0, 0.0, 1.0, 2.0], requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        F.clip(x, -1, 1).backward(np.ones(5))
    np.testing.assert_array_equal(x.grad, [0, 1, 1, 1, 0])


def test_a_bound_is_paid_where_it_cuts():
    x, low, high = (tm.tensor(v, requires_grad=True) for v in ([-2.0, 0.0, 2.0], [-1.0, -1.0, 3.0], 1.0))
    F.clamp(x, min=low, max=high).backward(np.array([1, 10, 100], np.float32))
    np.testing.assert_array_equal(x.grad, [0, 10, 0])
    np.testing.assert_array_equal(low.grad, [1, 0, 0])
    assert high.grad == 100


def test_float32_stays():
    x = tm.tensor([1.0, 2.0], requires_grad=True)
    for y in (F.where(x > 1, x, 0.0), F.clip(x, 0.5, 1.5), F.masked_fill(x, x > 1, 0.0), x[[0, 0]],
              F.place(x, [1, 1], (2,))):
        assert y.dtype == np.float32


@pytest.mark.parametrize("x, index, shape, expected", [
    ((0,), np.array([0]), (1, 2), (1, 2)), ((0, 2), np.array([0, 1]), (3, 2), (2, 2)),
    ((1,), np.array([0, 1]), (3,), (2,)), ((4,), np.array([0, 1]), (3, 2), (2, 2)),
    ((0,), (np.array([0]), 0), (1, 2), (1,)), ((0,), slice(2), (3,), (2,)), ((), slice(2), (3,), (2,)),
    ((1,), slice(2), (3,), (2,)), ((0,), np.array([True, False]), (2, 2), (1, 2)),
    ((0, 2), np.array([True, False]), (2, 2), (1, 2)), ((1,), 0, (2,), ()), ((2, 1), np.array([[0, 0]]), (1,), (1, 2)),
    ((1, 2), None, (2, 1), (1, 2, 1)), ((0,), (Ellipsis, slice(0)), (3, 2), (3, 0))])
def test_what_is_placed_has_the_shape_that_is_read(x, index, shape, expected):
    """NumPy would stretch one number, or nothing at all, over all places."""
    message = rf"^place: x must have the shape that the index reads from {re.escape(str(shape))}, " \
        rf"{re.escape(str(expected))}; got "
    with pytest.raises(ValueError, match=message + re.escape(str(x))):
        F.place(np.ones(x), index, shape)
    assert F.place(np.ones(expected), index, shape).sum() == np.prod(expected, dtype=int)


@pytest.mark.parametrize("row", [3, -4])
def test_no_row_outside_is_written(row):
    """The sparse product behind the sum of rows counts modulo the number of rows."""
    for rows in (3, 0):
        with pytest.raises(IndexError, match="place: an index must lie in"):
            F.place(np.ones((1, 2)), np.array([row]), (rows, 2))
        with pytest.raises(IndexError, match="place: an index must lie in"):
            F.index_add(np.zeros((rows, 2)), 0, np.array([row]), np.ones((1, 2)))


@pytest.mark.parametrize("axis", [0, 1, 2, 3, -1, -2, -4])
def test_index_add_along_each_of_four_axes(axis, rng):
    """Values, and both gradients."""
    x, index = rng.standard_normal((3, 4, 2, 5)), np.array([1, 0, 1])
    source = rng.standard_normal(np.moveaxis(np.moveaxis(x, axis, 0)[index], 0, axis).shape)
    x, source = (tm.tensor(a, requires_grad=True) for a in (x, source))
    y, expected = F.index_add(x, axis, index, source), np.moveaxis(x.data, axis, 0).copy()
    for k, part in zip(index, np.moveaxis(source.data, axis, 0)):
        expected[k] += part
    np.testing.assert_allclose(y.data, np.moveaxis(expected, 0, axis), rtol=1e-14)
    g = rng.standard_normal(y.shape)
    wrt_x, wrt_source = tm.grad(y, [x, source], g)
    np.testing.assert_array_equal(wrt_x.data, g)
    np.testing.assert_array_equal(wrt_source.data, np.take(g, index, axis))
