"""What a gradient through a choice costs: bias and variance of REINFORCE and Gumbel, beside the exact gradient.

The example of the chapter on hard attention: four regions, of which one is looked at, and what that earns. Each round
makes new draws. REINFORCE's variance is also predicted, from the scores and the rewards.

    python -m benchmarks.estimators --json estimators.json
"""

from dataclasses import asdict, dataclass

import numpy as np

import tinymm as tm
import tinymm.functional as F

from .harness import parse_arguments, report, tenths
from .machine import use_threads

__all__ = ["SCORES", "Row", "exact_gradient", "gumbel", "main", "reinforce", "reward"]

FEATURES = np.array([-1.0, 0.0, 1.0, 2.0])
WANTED = 0.8
SCORES = np.array([0.5, 1.0, 0.0, -0.5])
DRAWS = 100_000
TEMPERATURES = (1.0, 0.5, 0.25, 0.1)


@dataclass(frozen=True)
class Row:
    """An estimator over the rounds, each of DRAWS draws: (10 %, median, 90 %), and what the formula predicts."""

    estimator: str
    bias: tuple  # distance of the mean from the exact gradient
    standard_errors: tuple  # by how many of them the worst element of the mean is off
    variance: tuple  # of one draw, summed over the elements
    predicted_variance: float | None


def reward(y, power=2):
    """What a choice y (..., 4) earns: one-hot for a region, anything else for a mixture."""
    return 3 - (F.sum(y * FEATURES, -1) - WANTED) ** power


def exact_gradient(power=2):
    """∂J/∂e (4,), by enumeration."""
    e = tm.tensor(SCORES, requires_grad=True)
    return tm.grad(F.expected_reward(e, reward(np.eye(4), power)), e)[0].data


def reinforce(baseline, n, seed):
    """n estimates (n, 4) of ∂J/∂e, each from one draw."""
    e = tm.tensor(np.tile(SCORES, (n, 1)), requires_grad=True)
    choice = F.sampled_weights(F.softmax(e.data, -1), np.random.default_rng(seed))
    loss = F.reinforce_loss(F.location_log_probability(e, choice), reward(choice), baseline)
    return -n * tm.grad(loss, e)[0].data                                            # the loss is a mean over n


def gumbel(tau, hard, n, seed, power=2):
    """n estimates (n, 4) from Gumbel noise, relaxed or straight-through."""
    e = tm.tensor(np.tile(SCORES, (n, 1)), requires_grad=True)
    y = F.gumbel_softmax(e, tau, hard, rng=np.random.default_rng(seed))
    return tm.grad(F.sum(reward(y, power)), e)[0].data


def measured(name, estimate, rounds, predicted=None):
    """The Row of an estimator: estimate(seed) gives its estimates of a round."""
    exact = exact_gradient()
    bias = []
    standard_errors = []
    variance = []
    for seed in range(rounds):
        estimates = estimate(seed)
        off = estimates.mean(0) - exact
        variances = estimates.var(0)
        bias.append(np.linalg.norm(off))
        standard_errors.append(np.abs(off / np.sqrt(variances / len(estimates))).max())
        variance.append(variances.sum())
    return Row(name, bias=tenths(bias), standard_errors=tenths(standard_errors), variance=tenths(variance),
               predicted_variance=predicted)


def main(argv=None):
    """Measure all of them."""
    options = parse_arguments("bias and variance of gradients through a choice", repeats=9, threads=1, argv=argv)
    use_threads(options.threads)
    rewards = reward(np.eye(4))
    baselines = {"none": 0.0, "expected reward": F.expected_reward(SCORES, rewards).item(),
                 "optimal": float(F.optimal_baseline(SCORES, rewards))}
    rows = [measured(f"REINFORCE, baseline: {name}", lambda seed, b=b: reinforce(b, DRAWS, seed), options.repeats,
                     float(F.reinforce_variance(SCORES, rewards, b))) for name, b in baselines.items()]
    rows += [measured(f"Gumbel, {'straight-through' if hard else 'relaxed'}, τ = {tau}",
                      lambda seed, tau=tau, hard=hard: gumbel(tau, hard, DRAWS, seed), options.repeats)
             for hard in (False, True) for tau in TEMPERATURES]
    report([], options.json, options.threads, rows=[asdict(row) for row in rows])
    print(f"\n{options.repeats} rounds of {DRAWS} draws; "
          f"the exact gradient has length {np.linalg.norm(exact_gradient()):.3f}")
    for row in rows:
        _, off, most = row.standard_errors
        predicted = "" if row.predicted_variance is None else f", predicted {row.predicted_variance:.3f}"
        print(f"  {row.estimator:<37} bias {row.bias[1]:.3f}, {off:6.1f} standard errors [90 %: {most:.1f}], "
              f"variance {row.variance[1]:6.3f}{predicted}")
    without, best, *_ = rows
    print(f"with the expected reward as baseline the variance falls to 1/{without.variance[1] / best.variance[1]:.2f}, "
          f"predicted 1/{without.predicted_variance / best.predicted_variance:.2f}")


if __name__ == "__main__":
    main()
