"""Rows for `tinymm.functional.attending.estimators`: every location in turn, its estimate as a vector."""

import math

import numpy as np

from ....functional import expected_reward, optimal_baseline, reinforce_loss, reinforce_variance
from ...specification import spec
from ...strategies import arrays, masks, st
from .hard import probabilities


@st.composite
def rewarded(draw):
    """Scores and rewards (B, S)."""
    shape = draw(st.integers(1, 3)), draw(st.integers(2, 4))
    return (draw(arrays(shape)), draw(arrays(shape))), {}


@st.composite
def masked(draw):
    args, _ = draw(rewarded())
    return args, {"mask": draw(st.one_of(st.none(), masks(args[0].shape)))}


@st.composite
def compared(draw):
    """And a baseline for each row, or one for all."""
    args, _ = draw(rewarded())
    return (*args, draw(st.one_of(st.sampled_from((0.0, -0.7)), arrays((len(args[0]),))))), {}


def expectation(scores, rewards, mask):
    return np.array([math.fsum(p * r[s] for s, p in row.items())
                     for row, r in zip(probabilities(scores, mask), rewards)])


def scored(scores):
    """For each row its probabilities, and the gradient of ln α_s for every s."""
    for row in probabilities(scores, None):
        alpha = np.array(list(row.values()))
        yield alpha, np.eye(len(alpha)) - alpha


def variance(scores, rewards, baseline):
    total = []
    for (alpha, u), r, b in zip(scored(scores), rewards, np.broadcast_to(baseline, len(scores))):
        estimates = (r - b)[:, None] * u                                        # one row for each location drawn
        total.append(math.fsum((alpha[:, None] * (estimates - alpha @ estimates) ** 2).ravel()))
    return np.array(total)


def least(scores, rewards):
    """Where the variance, a parabola in b, has its minimum: from its values at three points."""
    low, middle, high = (variance(scores, rewards, b) for b in (-10.0, 0.0, 10.0))
    return 5 * (low - high) / (low - 2 * middle + high)


@st.composite
def drawn(draw):
    """Log-probabilities, and rewards and baselines that are constants."""
    shape = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    constants = [tuple(map(tuple, draw(arrays(shape)))) for _ in range(2)]
    return (draw(arrays(shape)), *constants), {}


def loss(log_probability, reward, baseline):
    return reinforce_loss(log_probability, np.array(reward), np.array(baseline))


spec("softmax", masked, expectation, function=expected_reward)
spec("softmax", compared, variance, function=reinforce_variance)
spec("softmax", rewarded, least, function=optimal_baseline)
spec("mean", drawn, lambda log_p, reward, baseline: -np.mean((np.array(reward) - np.array(baseline)) * log_p),
     function=loss, public="reinforce_loss")
