"""Differences and complex steps: right gradients pass, wrong ones are named, kinks are not averaged away."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F
from tinymm.testing import GradientError, KinkError, check_complex_step, find_kinks, gradcheck, gradgradcheck
from tinymm.testing.strategies import arrays, positive

# VJPs of y = x³ that are wrong in the ways students write
WRONG = {
    "sign": lambda g, x: -3 * g * x * x,
    "factor": lambda g, x: 2 * g * x * x,
    "power": lambda g, x: 3 * g * x,
    "cotangent dropped": lambda g, x: 3 * x * x + 0 * g,
    "cotangent returned": lambda g: g,
    "one in a million": lambda g, x: 3 * (1 + 1e-5) * g * x * x,
    "element": lambda g, x: 3 * g * x * x * (np.arange(x.size).reshape(x.shape) != 1),
    "zero": lambda g: g * 0,
}


def cubed(x):
    return x * x * x


@pytest.mark.parametrize("check",
                         [gradcheck, check_complex_step, tm.testing.check_directional, tm.testing.check_taylor])
@pytest.mark.parametrize("fault", WRONG)
def test_wrong_gradients_fail(check, fault, make_op):
    x = np.random.default_rng(3).uniform(0.5, 1.5, (2, 3))
    assert check(make_op(cubed, lambda g, x: 3 * g * x * x), [x])
    with pytest.raises(GradientError):
        check(make_op(cubed, WRONG[fault]), [x])


@given(arrays(), st.integers(0, 2**32 - 1))
def test_right_gradients_pass(x, seed):
    rng = np.random.default_rng(seed)
    f = lambda x: np.tanh(x) * x + F.exp(-x)  # noqa: E731
    assert gradcheck(f, [x], rng).error < 1e-9
    assert gradcheck(f, [x], rng, jacobian=True).compared == x.size ** 2
    assert gradgradcheck(f, [x], rng).error < 1e-8
    assert check_complex_step(f, [x], rng).error < 1e-12
    assert check_complex_step(f, [x], rng, order=2).error < 1e-12


@given(st.integers(-7, 7), st.integers(0, 2**32 - 1))
def test_the_step_follows_the_scale(exponent, seed):
    """Inputs of any size, and of very different sizes in one array."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0.5, 2, 4) * 10.0 ** exponent
    gradcheck(np.log, [x])
    gradcheck(np.sqrt, [x * [1, 1e-4, 1, 1e3]])


def test_a_wrong_second_derivative_fails_though_the_first_is_right(make_op):
    # half of it is a constant
    made = make_op(cubed, lambda g, x: 3 * g * (x.data if isinstance(x, tm.Tensor) else x) * x)
    x = np.array([0.5, -1.0])
    assert gradcheck(made, [x])
    for check in (gradgradcheck, lambda f, x: check_complex_step(f, x, order=2), tm.testing.check_taylor):
        with pytest.raises(GradientError):
            check(made, [x])


def test_a_wrong_composite_fails_at_second_order(make_op):
    made = make_op(cubed, lambda g, x: 3 * g * x * x, composite=lambda x: x * x)
    assert gradcheck(made, [np.array([0.5])])
    with pytest.raises(GradientError, match="gradgradcheck"):
        gradgradcheck(made, [np.array([0.5])])


def test_a_result_without_a_gradient_is_refused():
    with pytest.raises(TypeError, match="argmax: .*got"):
        gradcheck(F.argmax, [np.ones(3)])


def test_the_message_says_everything(make_op):
    made = make_op(lambda a, b: a * b, lambda g, a, b: (g * b, g * a * (np.arange(a.size).reshape(a.shape) != 3)))
    a = np.array([[1.0, 2.0], [3.0, 0.1 + 0.2]]).T
    with pytest.raises(GradientError) as told:
        gradcheck(made, [a, np.ones((2, 2))], jacobian=True)
    text = str(told.value)
    assert made.op.name in text and "input 1 'b', element (1, 1): analytic 0, central differences" in text
    assert "float64 (2, 2), strides (8, 16)" in text and "0.30000000000000004" in text
    assert "most of it from element (1, 1) of the result" in text
    lines = [line.strip() for line in text.partition("to see it again\n")[2].splitlines()]
    with pytest.raises(GradientError, match="element .1, 1."):
        exec("\n".join(lines), {})  # the lines of the message show the same again


def test_large_arrays_are_described_not_spelled_out(make_op):
    made = make_op(cubed, WRONG["sign"])
    with pytest.raises(GradientError) as told:
        gradcheck(made, [np.random.default_rng(0).standard_normal((10, 10))])
    assert "a stand-in: 100 elements" in str(told.value) and len(str(told.value)) < 1000


@given(st.integers(0, 3), st.floats(0.1, 5), st.floats(-5, -0.1))
def test_kinks_are_named_with_both_slopes(place, right, left):
    x = np.array([1.5, -0.5, 2.5, -1.0])
    x[place] = 0.0
    f = lambda x: F.where(x > 0, right * x, left * x)  # noqa: E731
    kink, = find_kinks(f, [x])
    assert kink.element == (place,) and kink.output == place
    np.testing.assert_allclose([kink.left, kink.right], [left, right], rtol=1e-5)
    with pytest.raises(KinkError, match=rf"element \({place},\): the function has a kink here"):
        gradcheck(f, [x])


def test_a_symmetric_kink_is_not_averaged_away():
    """|x| at 0: differences say 0, and so does the VJP; both are wrong."""
    with pytest.raises(KinkError, match="slope -1 from the left, 1 from the right"):
        gradcheck(F.abs, [np.array([0.0, 1.0])])


def test_a_jump_is_no_derivative_either():
    with pytest.raises(GradientError):
        gradcheck(F.floor, [np.array([1.0])])


@given(st.sampled_from((1e-3, 3e-4, 1e-5, 1e-6, 1e-7)))
def test_kinks_nearby_do_no_harm(distance):
    assert not find_kinks(F.relu, [np.array([distance, -distance, 1.0])])
    gradcheck(F.relu, [np.array([distance, -distance, 1.0])])


@given(positive((3,)))
def test_complex_steps_reach_piecewise_functions(x):
    """NumPy's |z| would give 0, its sign another number, its variance a real one; scipy's expit raises."""
    x = x * np.array([1.0, -1.0, 2.0])
    for f in (F.abs, F.softplus, F.var, F.std, F.relu, F.norm, F.logsumexp, F.sigmoid):
        assert check_complex_step(f, [x]).error < 1e-13


def test_a_formula_out_of_reach_says_so(make_op):
    with pytest.raises(tm.testing.NotApplicable, match="cannot be evaluated with complex numbers"):
        check_complex_step(make_op(lambda x: np.arctan2(x, 1.0), lambda g, x: g / (1 + x * x)), [np.ones(2)])


def test_modules_are_checked_with_their_parameters():
    rng = np.random.default_rng(0)
    model = tm.nn.Sequential(tm.nn.Linear(3, 4, rng=rng), tm.nn.Tanh(), tm.nn.Dropout(0.5, rng=rng))
    before = model.state_dict()
    assert gradcheck(model, [rng.normal(size=(2, 3))]).compared == 6 + 12 + 4
    assert all(p.dtype == np.float32 and p.grad is None for p in model.parameters())
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
