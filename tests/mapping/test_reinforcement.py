"""Policy gradient on a policy whose captions can all be listed: right in the mean, as noisy as enumeration says."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

import tinymm as tm
import tinymm.functional as F
from tinymm.mapping import (
    DrawnCaptions, LeaveOneOut, MovingAverage, NoBaseline, SelfCritical, draw_captions, greedy_captions,
    policy_gradient_loss,
)

from .table_policy import (
    BOS, CLOSED, EOS, LONGEST, SAID, TablePolicy, drawn, estimate, exact_gradient, log_probabilities,
)

SEEDS = st.integers(0, 2**32 - 1)
TERMS = {"plain": (0.0, 0.0), "entropy": (0.3, 0.0), "kl": (0.0, 0.7), "both": (0.2, 0.4)}


def average(value=0.8):
    baseline = MovingAverage()
    baseline.value[...] = value
    return baseline


BASELINES = {"none": NoBaseline(), "moving average": average(), "self-critical": SelfCritical(),
             "leave-one-out": LeaveOneOut()}


def problem(seed):
    """A policy, the one it started from, and a reward for each caption."""
    rng = np.random.default_rng(seed)
    policy, start = (TablePolicy(rng.standard_normal((1, 8, 3))).eval() for _ in range(2))
    return policy, start, 3 * rng.random(len(SAID))


def probabilities(policy):
    return np.exp(log_probabilities(policy).data)


def greedy_reward(policy, rewards):
    found = greedy_captions(policy, np.array([[0]]), BOS, EOS, LONGEST)
    return rewards[[SAID.index(tuple(found.said[0]))]]


def outcomes(policy, start, rewards, name, terms, n=2):
    """Every pair of captions that two draws can give: their probabilities (225,), and the estimate of each (225, D)."""
    p, greedy = probabilities(policy), greedy_reward(policy, rewards)
    pairs = np.array([*product(range(len(SAID)), repeat=n)])
    advantages = [BASELINES[name](rewards[pair][None], greedy)[0] for pair in pairs]
    return p[pairs].prod(1), np.stack([estimate(policy, start, pair, a, *terms) for pair, a in zip(pairs, advantages)])


def variance(p, estimates):
    """The trace of the covariance."""
    mean = p @ estimates
    return p @ ((estimates - mean) ** 2).sum(1)


@settings(max_examples=3)
@given(seed=SEEDS, terms=st.sampled_from(list(TERMS.values())))
@pytest.mark.parametrize("name", BASELINES)
def test_every_baseline_gives_the_exact_gradient_in_the_mean(name, seed, terms):
    """Over all that two draws can give, by enumeration: no standard error is needed."""
    policy, start, rewards = problem(seed)
    p, estimates = outcomes(policy, start, rewards, name, terms)
    np.testing.assert_allclose(p.sum(), 1, rtol=1e-12)
    np.testing.assert_allclose(p @ estimates, exact_gradient(policy, start, rewards, *terms), atol=1e-12)


@pytest.mark.parametrize("terms", TERMS.values(), ids=TERMS)
@pytest.mark.parametrize("name", BASELINES)
def test_draws_are_right_in_the_mean_and_as_noisy_as_enumeration_says(name, terms):
    """By `draw_captions`: χ² of the mean, which counts all coordinates at once, and the trace."""
    policy, start, rewards = problem(7)
    p, estimates = outcomes(policy, start, rewards, name, terms)
    m = 4000
    found = draw_captions(policy, np.zeros((m, 1), int), 2, BOS, EOS, LONGEST, np.random.default_rng(1))
    which = np.array([SAID.index(tuple(words)) for words in found.said]).reshape(m, 2)
    drawn_estimates = estimates[which @ [len(SAID), 1]]
    error = drawn_estimates.mean(0) - exact_gradient(policy, start, rewards, *terms)
    spread = estimates - p @ estimates
    scale, axes = np.linalg.eigh(spread.T @ (p[:, None] * spread))      # the enumerated covariance
    kept = scale > 1e-9                                                  # a softmax's gradient sums to zero
    assert m * ((error @ axes[:, kept]) ** 2 / scale[kept]).sum() < chi2.ppf(0.9973, kept.sum())
    np.testing.assert_allclose(error @ axes[:, ~kept], 0, atol=1e-9)     # and where there is no noise it is exact
    squares = ((drawn_estimates - p @ estimates) ** 2).sum(1)
    assert abs(squares.mean() - variance(p, estimates)) < 3 * squares.std() / np.sqrt(m)


def test_captions_are_drawn_as_often_as_they_are_probable():
    policy, _, _ = problem(3)
    m = 20_000
    found = draw_captions(policy, np.array([[0], [0]]), m // 2, BOS, EOS, LONGEST, np.random.default_rng(0))
    counts = np.bincount([SAID.index(tuple(words)) for words in found.said], minlength=len(SAID))
    p = probabilities(policy)
    assert ((counts - m * p) ** 2 / (m * p)).sum() < chi2.ppf(0.9973, len(SAID) - 1)
    np.testing.assert_array_equal(found.closed, [len(words) < LONGEST for words in found.said])
    np.testing.assert_array_equal(found.mask.sum(1), [min(len(words) + 1, LONGEST) for words in found.said])


def test_each_image_gets_its_own_captions_in_turn():
    sure = np.full((2, 8, 3), -60.0)
    sure[0, 1, 0] = sure[0, 2, EOS] = sure[1, 1, EOS] = 60.0            # image 0 says "0", image 1 nothing
    found = draw_captions(TablePolicy(sure).eval(), np.array([[1], [0]]), 2, BOS, EOS, 3, np.random.default_rng(0))
    assert found.said == [[], [], [0], [0]]
    assert greedy_captions(TablePolicy(sure).eval(), np.array([[1], [0]]), BOS, EOS, 3).said == [[], [0]]


def test_enumeration_orders_the_baselines():
    """Where rewards lie far from zero; and what leave-one-out pays for estimating the mean reward from n − 1 captions:

    n Var = Var(J) + (Var(R) E‖u‖² + ‖∇J‖²) / (n − 1), with Var(J) the noise of one caption compared with J.
    """
    policy, start, rewards = problem(11)
    plain = (0.0, 0.0)
    traces = {name: variance(*outcomes(policy, start, rewards + 10, name, plain)) for name in ("none", "leave-one-out")}
    assert traces["leave-one-out"] < traces["none"] / 10
    p = probabilities(policy)
    J = p @ rewards
    u = np.stack([estimate(policy, start, [i], np.ones(1)) for i in range(len(SAID))])
    np.testing.assert_allclose(p @ u, 0, atol=1e-12)
    best = variance(p, (rewards - J)[:, None] * u)
    price = p @ (rewards - J) ** 2 * (p @ (u * u).sum(1)) + (exact_gradient(policy, start, rewards) ** 2).sum()
    np.testing.assert_allclose(2 * traces["leave-one-out"], best + price, rtol=1e-10)


def test_the_mean_over_words_is_not_the_gradient():
    """Divided by the number of words drawn, as the reference code does, the mean points elsewhere."""
    policy, start, rewards = problem(5)
    p = probabilities(policy)
    estimates = np.stack([estimate(policy, start, np.array([i]), rewards[[i]]) for i in range(len(SAID))])
    words = np.array([drawn([i]).mask.sum() for i in range(len(SAID))])
    exact = exact_gradient(policy, start, rewards)
    np.testing.assert_allclose(p @ estimates, exact, atol=1e-12)
    over_words = p @ (estimates / words[:, None])
    cosine = over_words @ exact / np.linalg.norm(over_words) / np.linalg.norm(exact)
    assert cosine < 0.99


def test_without_the_costs_of_later_words_the_gradient_of_kl_is_wrong():
    """Each word's own divergence alone, as often seen, forgets that a word decides where the caption goes."""
    policy, start, rewards = problem(5)
    p, estimates = outcomes(policy, start, 0 * rewards, "none", (0.0, 1.0), n=1)
    own = []
    for i in range(len(SAID)):
        captions = drawn([i])
        log_p, start_log_p = (F.log_softmax(model(np.array([[0]]), captions.ids[:, :-1])[0], -1)
                              for model in (policy, start))
        divergence = F.sum(F.exp(log_p) * (log_p - start_log_p.data), -1)
        own.append(-tm.grad(F.sum(divergence[captions.mask]), [policy.table])[0].data.ravel())
    exact = exact_gradient(policy, start, 0 * rewards, 0.0, 1.0)
    np.testing.assert_allclose(p @ estimates, exact, atol=1e-12)
    assert np.abs(p @ np.stack(own) - exact).max() > 0.01


@given(SEEDS, st.sampled_from([np.float32, np.float64]))
def test_what_the_mask_hides_has_no_influence(seed, dtype):
    rng = np.random.default_rng(seed)
    mask = np.arange(4) < rng.integers(0, 5, 3)[:, None]
    words, advantage = rng.integers(0, 5, (3, 4)), rng.standard_normal(3)
    logits, start = rng.standard_normal((2, 3, 4, 5)).astype(dtype)
    results = []
    for hidden in (0.0, np.nan):
        x = tm.tensor(np.where(mask[..., None], logits, dtype(hidden)), requires_grad=True)
        y = np.where(mask[..., None], start, dtype(hidden))
        loss = policy_gradient_loss(x, np.where(mask, words, 0), mask, advantage, y, 0.1, 0.2)
        loss.backward()
        assert loss.dtype == x.grad.dtype == dtype
        assert (x.grad[~mask] == 0).all()
        results.append((loss.item(), x.grad))
    assert results[0][0] == results[1][0]
    np.testing.assert_array_equal(results[0][1], results[1][1])


@given(SEEDS, st.integers(2, 6))
def test_leave_one_out_is_the_mean_over_the_others(seed, n):
    rewards = np.random.default_rng(seed).standard_normal((3, n))
    for row, advantages in zip(rewards, LeaveOneOut()(rewards)):
        for j in range(n):
            np.testing.assert_allclose(advantages[j], row[j] - np.delete(row, j).mean(), atol=1e-12)
    np.testing.assert_allclose(LeaveOneOut()(rewards), n / (n - 1) * (rewards - rewards.mean(1, keepdims=True)),
                               atol=1e-12)


def test_a_policy_equal_to_its_start_pays_nothing(rng):
    logits = tm.tensor(rng.standard_normal((2, 3, 4)), requires_grad=True)
    mask = np.ones((2, 3), bool)
    policy_gradient_loss(logits, np.zeros((2, 3), int), mask, np.zeros(2), logits.data, kl=5.0).backward()
    np.testing.assert_allclose(logits.grad, 0, atol=1e-12)


def test_drawn_captions_are_padded():
    captions = DrawnCaptions.of([[0], [], [1, 1, 0]], np.array([True, True, False]), BOS, EOS)
    assert captions.ids.tolist() == [[3, 0, 2, 2], [3, 2, 2, 2], [3, 1, 1, 0]]
    assert captions.mask.tolist() == [[True, True, False], [True, False, False], [True] * 3]
    assert CLOSED.sum() == 7


def test_bad_input_is_refused(rng):
    logits, mask, words = rng.standard_normal((2, 3, 4)), np.ones((2, 3), bool), np.zeros((2, 3), int)
    with pytest.raises(ValueError, match=r"an advantage \(S,\) .*; got \(2, 3, 4\) and \(2, 3\), \(2, 3\), \(3,\)"):
        policy_gradient_loss(logits, words, mask, np.zeros(3))
    with pytest.raises(ValueError, match="kl must be 0 without start_logits; got 0.5"):
        policy_gradient_loss(logits, words, mask, np.zeros(2), kl=0.5)
    with pytest.raises(ValueError, match="two captions or more of each image; got 1"):
        LeaveOneOut()(np.zeros((4, 1)))
    with pytest.raises(ValueError, match="eval mode"):
        draw_captions(TablePolicy(np.zeros((1, 8, 3))), np.array([[0]]), 1, BOS, EOS, 3, rng)
