"""Memory layouts, empty and 0-d inputs, float32: an op that is right for contiguous float64 arrays only."""

import numpy as np
import pytest

import tinymm.functional as F
from tinymm.testing import GradientError, check_float32, check_layouts, gradcheck

x = np.arange(12.0).reshape(3, 4) / 7 + 0.5


def test_right_ops_pass():
    for f, inputs in ((F.exp, [x]), (F.matmul, [x, x.T.copy()]), (F.sum, [x]), (F.concatenate, [[x, x], 0]),
                      (F.mean, [x, 1])):
        assert check_layouts(f, inputs) and check_float32(f, inputs)


def as_if_contiguous(a):
    """The elements in the order of memory: wrong for a transposed array."""
    return a.ravel(order="K").reshape(a.shape)


def test_memory_order_of_the_input(make_op):
    made = make_op(lambda x: x * x, lambda g, x: 2 * g * as_if_contiguous(x))
    assert gradcheck(made, [x])
    with pytest.raises(GradientError, match="the gradient of input 0 'x' differs with inputs in Fortran order"):
        check_layouts(made, [x])


def test_memory_order_of_the_cotangent(make_op):
    made = make_op(lambda x: x * x, lambda g, x: 2 * as_if_contiguous(g) * x)
    with pytest.raises(GradientError, match="with the cotangent in Fortran order"):
        check_layouts(made, [x])


def test_writing_to_memory_that_may_be_read_only(make_op):
    def vjp(g):
        g *= 2
        g /= 2
        return 2 * g

    made = make_op(lambda x: x * 2, vjp)
    with pytest.raises(GradientError, match="with the cotangent in .*: ValueError: .*read-only"):
        check_layouts(made, [x])


@pytest.mark.parametrize("size, harmless", [(1e-17, True), (1e-3, False)])
def test_a_gradient_that_vanishes_is_not_compared_with_its_own_rounding(size, harmless, make_op):
    def vjp(g, y):
        return g, size * g * (1 if y.flags.c_contiguous else -1)

    made = make_op(lambda x, y: x + 0 * y, vjp)
    if harmless:
        assert check_layouts(made, [x, x])
    else:
        with pytest.raises(GradientError, match="the gradient of input 1"):
            check_layouts(made, [x, x])


def test_an_empty_input_without_a_gradient(make_op):
    made = make_op(lambda x: x.sum(), lambda g, x: g * np.ones_like(x.reshape(*x.shape[:1], -1)).reshape(x.shape))
    assert gradcheck(made, [x])
    with pytest.raises(GradientError, match="empty inputs .*the gradient fails with ValueError"):
        check_layouts(made, [x])


def test_a_zero_dimensional_input_without_a_gradient(make_op):
    made = make_op(lambda x: x * 2, lambda g: g[...] * 2 if g.ndim else g[0])
    with pytest.raises(GradientError, match="0-d inputs: .*IndexError"):
        check_layouts(made, [x])


@pytest.mark.parametrize("constant", [np.array([2.0, 3.0, 4.0, 5.0]), np.ones((3, 4))])
def test_float64_that_creeps_in(constant):
    with pytest.raises(GradientError, match="the result is float64 for float32 inputs"):
        check_float32(lambda x: x * constant, [x])


def test_a_formula_that_loses_digits():
    """(1 + x) − 1 for small x: fine in float64, nothing left in float32."""
    tiny = np.array([1e-4, 2e-4])
    lossy = lambda x: ((x * 1e-3 + 1) - 1) * 1e7  # noqa: E731
    with pytest.raises(GradientError, match="drifts from float64"):
        check_float32(lossy, [tiny])
    assert check_float32(lambda x: x * 1e4, [tiny])
