"""Powers at zero and ties of two: the points that spec rows avoid."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F
from tinymm.testing.strategies import broadcastable


def gradients(f, *values, g):
    tensors = [tm.tensor(np.array(v), requires_grad=True) for v in values]
    return [d.data for d in tm.grad(f(*tensors), tensors, np.array(g))]


def test_power_of_zero_by_its_exponent():
    """At a = 0: ∂(a^b)/∂b = 0 where b ≥ 0; where b < 0 the power is infinite and falls without bound."""
    with np.errstate(divide="ignore"):
        _, d = gradients(F.power, [0.0] * 4, [0.0, 2.0, -0.5, -2.0], g=[3.0] * 4)
    np.testing.assert_array_equal(d, [0, 0, -np.inf, -np.inf])


@pytest.mark.parametrize("order", ["by the base first", "by the exponent first"])
def test_mixed_second_derivative_of_a_power_where_the_exponent_is_zero(order):
    """∂²(a^b)/∂a∂b = a^(b−1) (1 + b ln a) = 1/a at b = 0."""
    a = tm.tensor(np.array([2.0, 0.5, 3.0]), requires_grad=True)
    b = tm.tensor(np.zeros(3), requires_grad=True)
    first, second = (a, b) if order == "by the base first" else (b, a)
    d, = tm.grad(a ** b, first, np.ones(3), create_graph=True)
    np.testing.assert_allclose(tm.grad(d, second, np.ones(3))[0].data, [0.5, 2, 1 / 3], rtol=1e-14)


def test_zero_to_the_zero_has_no_slope_by_its_base():
    d, _ = gradients(F.power, [0.0, 0.0], [0.0, 1.0], g=[3.0, 3.0])
    np.testing.assert_array_equal(d, [0, 3])


@pytest.mark.parametrize("f", [F.maximum, F.minimum])
def test_ties_share_the_cotangent(f):
    for d in gradients(f, [1.0, -2.0], [1.0, -2.0], g=[3.0, -8.0]):
        np.testing.assert_array_equal(d, [1.5, -4.0])


def test_an_infinite_cotangent_reaches_the_larger_alone():
    a, b = gradients(F.maximum, [1.0, 5.0], [4.0, 2.0], g=[np.inf, -np.inf])
    np.testing.assert_array_equal(a, [0, -np.inf])
    np.testing.assert_array_equal(b, [np.inf, 0])


@pytest.mark.parametrize("f, wins", [(F.maximum, np.greater), (F.minimum, np.less)])
@given(broadcastable(2), st.integers(0, 2**32 - 1))
def test_ties_share_the_gradient_when_shapes_broadcast(f, wins, pair, seed):
    """Half of the cotangent to each, summed over the axes along which an operand was repeated; of whole numbers, many
    are equal."""
    rng = np.random.default_rng(seed)
    operands = [rng.integers(-1, 2, shape).astype(float) for shape in pair]
    a, b = (tm.tensor(x, requires_grad=True) for x in operands)
    y, (left, right) = f(a, b), np.broadcast_arrays(*operands)
    g = rng.standard_normal(y.shape)
    for found, shape, share in zip(tm.grad(y, [a, b], g), pair, (wins(left, right), wins(right, left))):
        whole = g * (share + 0.5 * (left == right))
        stretched = tuple(k for k, n in enumerate((1,) * (y.ndim - len(shape)) + shape) if n == 1)
        np.testing.assert_allclose(found.data, whole.sum(stretched).reshape(shape), rtol=1e-12, atol=1e-14)
