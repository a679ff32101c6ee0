"""Gradients of an expectation, estimated: REINFORCE is right in the mean and as noisy as predicted, Gumbel is neither.

The reward of location s is $R_s = 3 - (v_s - x)^2$: it can be asked of a mixture of locations too, $R(y) = 3 - (\\sum_s
y_s v_s - x)^2$, as Gumbel needs. There are four locations, so the exact gradient is a sum of four terms.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F
from benchmarks.estimators import SCORES as E
from benchmarks.estimators import exact_gradient, gumbel, reinforce, reward

SEEDS = st.integers(0, 2**32 - 1)


def mean_and_error(estimates):
    return estimates.mean(0), estimates.std(0, ddof=1) / np.sqrt(len(estimates))


def test_the_exact_gradient_is_the_sum_over_locations():
    alpha, R = F.softmax(E, -1), reward(np.eye(4))
    np.testing.assert_allclose(exact_gradient(), sum(alpha[s] * R[s] * (np.eye(4)[s] - alpha) for s in range(4)),
                               rtol=1e-12)
    np.testing.assert_allclose(exact_gradient(), alpha * (R - alpha @ R), rtol=1e-12)


BASELINES = {"none": 0.0, "expected reward": float(F.expected_reward(E, reward(np.eye(4)))),
             "optimal": float(F.optimal_baseline(E, reward(np.eye(4)))), "far off": -10.0}


@pytest.mark.parametrize("name", BASELINES)
def test_reinforce_is_right_in_the_mean(name):
    """Within three standard errors, whatever the baseline."""
    mean, error = mean_and_error(reinforce(BASELINES[name], 40_000, seed=1))
    assert (np.abs(mean - exact_gradient()) <= 3 * error).all()


@pytest.mark.parametrize("name", BASELINES)
def test_its_variance_is_the_predicted_one(name):
    """And hence the factor by which a baseline lowers it."""
    estimates = reinforce(BASELINES[name], 40_000, seed=2)
    squares = ((estimates - exact_gradient()) ** 2).sum(-1)
    predicted = float(F.reinforce_variance(E, reward(np.eye(4)), BASELINES[name]))
    assert abs(squares.mean() - predicted) <= 3 * squares.std() / np.sqrt(len(squares))


@given(SEEDS)
def test_no_baseline_beats_the_optimal_one(seed):
    rng = np.random.default_rng(seed)
    e, R = rng.standard_normal(5), rng.standard_normal(5) * 3
    best = F.optimal_baseline(e, R)
    least = F.reinforce_variance(e, R, best)
    for b in (best - 0.1, best + 0.1, F.expected_reward(e, R), 0.0):
        assert least <= F.reinforce_variance(e, R, b) + 1e-12
    # a parabola in b: Var(b) = Var(b*) + E‖u‖² (b − b*)²
    curvature = F.reinforce_variance(e, R, best + 1) - least
    np.testing.assert_allclose(F.reinforce_variance(e, R, 0.0), least + curvature * best**2, rtol=1e-9)
    np.testing.assert_allclose(F.optimal_baseline(e * 0, R), R.mean())                      # even weights: b* = J


def test_the_last_axis_holds_the_locations(rng):
    e, R, b = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 3))
    for f, inputs in ((F.expected_reward, (e, R)), (F.reinforce_variance, (e, R, b)), (F.optimal_baseline, (e, R))):
        for k, row in enumerate(f(*inputs)):
            np.testing.assert_allclose(row, f(*(x[k] for x in inputs)), rtol=1e-12)


def test_baselines_and_rewards_are_constants(rng):
    log_p, reward, baseline = (tm.tensor(rng.standard_normal(5), requires_grad=True) for _ in range(3))
    F.reinforce_loss(log_p, reward, baseline).backward()
    assert reward.grad is None and baseline.grad is None
    np.testing.assert_allclose(log_p.grad, -(reward.data - baseline.data) / 5)


def test_a_reward_may_be_a_list_beside_a_tensor_as_baseline(rng):
    log_p, baseline = rng.standard_normal((2, 5))
    loss = F.reinforce_loss(log_p, [1.0] * 5, tm.tensor(baseline))
    np.testing.assert_allclose(loss, -np.mean((1 - baseline) * log_p))


def test_float32_rewards_do_not_change_the_dtype(rng):
    log_p = tm.tensor(rng.standard_normal(5).astype(np.float32), requires_grad=True)
    loss = F.reinforce_loss(log_p, rng.standard_normal(5), [0.5] * 5)
    assert loss.dtype == np.float32


def test_a_reward_that_would_widen_the_log_probabilities_is_refused():
    with pytest.raises(ValueError, match=r"must broadcast to the log-probabilities; got \(4, 1\) and \(\) for \(4,\)"):
        F.reinforce_loss(np.zeros(4), np.zeros((4, 1)))


@pytest.mark.parametrize("hard", [False, True])
def test_gumbel_is_biased_and_less_so_when_cold(hard):
    """At τ = 1 the mean is off by more than fifty standard errors; τ → 0 makes that small, and the variance large."""
    bias, variance = [], []
    for tau in (1.0, 0.5, 0.25, 0.1):
        estimates = gumbel(tau, hard, 40_000, seed=3)
        mean, error = mean_and_error(estimates)
        bias.append(np.linalg.norm(mean - exact_gradient()))
        variance.append(estimates.var(0).sum())
        if tau == 1.0:
            assert bias[0] > 50 * np.linalg.norm(error)
    assert bias[1] < 0.7 * bias[0] and bias[2] < 0.7 * bias[1] and bias[3] < 0.7 * bias[2]
    assert variance[1] > 2 * variance[0] and variance[2] > 2 * variance[1] and variance[3] > 2 * variance[2]


def trapezoids(power):
    """Where straight-through tends to:
    for each pair of locations, the slopes at both ends in place of the difference."""
    alpha, ends = F.softmax(E, -1), tm.tensor(np.eye(4), requires_grad=True)
    slopes, = tm.grad(F.sum(reward(ends, power)), ends)                                 # [at which end, along which y]
    limit = np.zeros(4)
    for k, j in np.ndindex(4, 4):
        along = np.eye(4)[k] - np.eye(4)[j]
        limit[k] += alpha[k] * alpha[j] * (slopes.data[k] + slopes.data[j]) @ along / 2
    return limit


def test_straight_through_keeps_its_bias_unless_the_reward_is_a_parabola():
    """Between two locations it applies the trapezoid rule: exact for squares, not for fourth powers."""
    np.testing.assert_allclose(trapezoids(2), exact_gradient(), rtol=1e-12)
    assert np.linalg.norm(trapezoids(4) - exact_gradient(power=4)) > 0.5 * np.linalg.norm(exact_gradient(power=4))
    mean, error = mean_and_error(gumbel(0.02, True, 200_000, seed=4, power=4))
    assert (np.abs(mean - trapezoids(4)) <= 4 * error).all()
    assert np.linalg.norm(mean - exact_gradient(power=4)) > 8 * np.linalg.norm(error)
    relaxed, error = mean_and_error(gumbel(0.02, False, 200_000, seed=5, power=4))          # which is right here
    assert (np.abs(relaxed - exact_gradient(power=4)) <= 4 * error).all()
