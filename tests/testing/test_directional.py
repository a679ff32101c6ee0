"""Directional derivatives and Taylor remainders: for models, as they stand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F
from tinymm import nn
from tinymm.testing import GradientError, check_directional, check_taylor


class Model(nn.Module):
    """Attention, normalisation, dropout and running statistics; `fault` is a gradient that a detach loses."""

    def __init__(self, rng, fault=False):
        self.inner = nn.Linear(6, 6, rng=rng)
        self.norm = nn.LayerNorm(6)
        self.drop = nn.Dropout(0.3, rng=rng)
        self.batch = nn.BatchNorm1d(5)
        self.fault = fault

    def forward(self, x):
        h = F.scaled_dot_product_attention(self.inner(x), x, self.norm(x))
        h = self.batch(self.drop(F.gelu(h)))
        return h * (self.inner.weight.detach() if self.fault else self.inner.weight).sum()


@pytest.mark.parametrize("check", [check_directional, check_taylor])
@pytest.mark.parametrize("training", [True, False])
def test_models_pass_and_lost_gradients_fail(check, training):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 5, 6))
    assert check(Model(rng).train(training), [x])
    with pytest.raises(GradientError):
        check(Model(rng, fault=True).train(training), [x])


def test_the_guilty_parameter_is_named():
    rng = np.random.default_rng(0)
    with pytest.raises(GradientError, match="most of it from inner.weight"):
        check_directional(Model(rng, fault=True), [rng.standard_normal((2, 5, 6))])


def test_frozen_parameters_are_constants():
    rng = np.random.default_rng(0)
    model = Model(rng, fault=True)
    model.inner.weight.requires_grad = False
    assert check_directional(model, [rng.standard_normal((2, 5, 6))])


@given(st.floats(1e-4, 0.1), st.integers(0, 2**32 - 1))
def test_small_faults_show_in_the_slopes(size, seed):
    x = np.random.default_rng(seed).uniform(0.5, 1.5, 4)
    first = lambda x: np.exp(x) + size * x.detach() * np.sin(x) - size * x.data * np.sin(x)  # noqa: E731
    assert check_taylor(first, [x], np.random.default_rng(seed))  # nothing is wrong with it
    second = lambda x: np.exp(x) + size * x.detach() * x  # noqa: E731  (its true gradient is 2 size x + ...)
    with pytest.raises(GradientError, match="the remainder of order 1"):
        check_taylor(second, [x], np.random.default_rng(seed))


def test_polynomials_have_no_remainder_to_fit():
    x = np.array([1.0, -2.0])
    assert check_taylor(lambda x: 3 * x, [x]) and check_taylor(lambda x: x * x, [x])


@given(st.floats(-4.5, -2), st.integers(0, 2**32 - 1))
def test_right_terms_that_cancel_at_some_step_do_no_harm(digits, seed):
    """t³ − t⁴ / t₀ falls more slowly than t³ near t₀; in the other direction the two add up."""
    f = lambda x: 1 + (x - 1)**3 - (x - 1)**4 / 10**digits  # noqa: E731
    assert check_taylor(f, [np.array([1.0])], np.random.default_rng(seed))


def test_steps_beyond_the_domain_do_no_harm():
    assert check_taylor(np.log, [np.array([0.01, 2.0])])


def test_kinks_farther_away_do_no_harm():
    assert check_taylor(F.relu, [np.array([0.01, -0.02, 1.0])])


def test_a_kink_on_the_spot_is_named():
    with pytest.raises(tm.testing.KinkError, match="along a random direction"):
        check_directional(F.abs, [np.array([0.0, 1.0])])
