"""Each structural rule is broken by an op made for it, whose gradient is numerically right where that is possible."""

import numpy as np
import pytest

import tinymm as tm
import tinymm.functional as F
from tinymm.testing import GradientError, check_structure, gradcheck

x = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]])


def test_right_ops_pass():
    assert check_structure(F.multiply, [x, x[:1]])
    assert check_structure(F.concatenate, [[x, x, x[:1]], 0])
    assert check_structure(F.softmax, [x, -1])
    assert check_structure(F.matmul, [x, x.T.copy()])


def test_not_linear_in_the_cotangent(make_op):
    made = make_op(lambda x: x * 2, lambda g: 2 * g + 1e-6 * g * g)
    with pytest.raises(GradientError, match="not linear in its cotangent"):
        check_structure(made, [x])


def test_zero_cotangent_without_zero_gradient(make_op):
    made = make_op(lambda x: x * 2, lambda g: 2 * g + 1e-30)
    with pytest.raises(GradientError, match="a zero cotangent gives a gradient that is not zero"):
        check_structure(made, [x])


def test_changed_input(make_op):
    def forward(x):
        x *= 1.0
        x += 1e-12
        return x * 2

    with pytest.raises(GradientError, match="input 0 'x' is changed by the forward or the backward pass"):
        check_structure(make_op(forward, lambda g: 2 * g), [x.copy()])


def test_changed_cotangent(make_op):
    def vjp(g):
        g *= 2
        return g

    with pytest.raises(GradientError, match="cotangent|memory|second walk|another"):
        check_structure(make_op(lambda x: x * 2, vjp), [x])


def test_changed_saved_array(make_op):
    def vjp(g, y):
        y *= g
        return y * 1.0

    with pytest.raises(GradientError, match="cotangent|the result is changed|second walk"):
        check_structure(make_op(lambda x: np.exp(x), vjp), [x])


def test_a_saved_array_handed_out(make_op):
    """The gradient of y = s·sum(x·c), c saved: right for g = 1, and it is c itself."""
    def vjp(g, c):
        c[...] = 0
        c += g
        return c

    made = make_op(lambda x: tm.autograd.saving(np.asarray(x * 1.0), c=np.empty_like(x)), vjp)
    assert gradcheck(made, [x])
    with pytest.raises(GradientError, match="a saved array or an input itself|memory is shared"):
        check_structure(made, [x])


def test_an_input_overwritten_with_its_gradient(make_op):
    made = make_op(lambda a, b: a + b * 0, lambda g, a, b: (np.multiply(g, 1.0, out=b), g * 0))
    with pytest.raises(GradientError, match="is changed|memory|itself|another"):
        check_structure(made, [x.copy(), x.copy()])


def test_one_array_for_two_gradients(make_op):
    def vjp(g):
        d = g * 1.0
        return d, d

    made = make_op(lambda a, b: a + b, vjp)
    assert gradcheck(made, [x, x])
    with pytest.raises(GradientError, match="another gradient itself|memory is shared"):
        check_structure(made, [x, x.copy()])


def test_gradients_that_depend_on_who_asks(make_op):
    def vjp(g, a, b):
        asked = []

        def wrt_a():
            asked.append("a")
            return g * b

        return wrt_a, lambda: g * a if asked else g * a * (1 + 1e-13)

    made = make_op(lambda a, b: a * b, vjp)
    with pytest.raises(GradientError, match="the gradient differs when only"):
        check_structure(made, [x, x + 1])


def test_same_tensor_twice():
    """A function that tells its inputs apart by identity loses one of two gradients."""
    def f(a, b):
        return a * b.detach() if a is b else a * b

    assert gradcheck(f, [x, x + 1])
    with pytest.raises(GradientError, match="the same Tensor in both places"):
        check_structure(f, [x, x + 1])


def test_noise_that_is_not_drawn(make_op):
    rng = np.random.default_rng(0)
    made = make_op(lambda x: x * 2, lambda g: 2 * g * (1 + 1e-13 * rng.standard_normal()))
    with pytest.raises(GradientError, match="another gradient|gradient differs"):
        check_structure(made, [x])
    with pytest.raises(GradientError, match="a second run gives another result|memory is shared|another"):
        check_structure(lambda x: x * (1 + 1e-6 * rng.standard_normal()), [x])


def test_reference_cycles():
    def f(x):
        y = x * x
        held = [y]
        held.append(held)
        return y

    with pytest.raises(GradientError, match="left to the garbage collector"):
        check_structure(f, [x])
