"""Wilson against its defining equation and published numbers; the bootstrap against the normal theory."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.stats import norm

from tinymm.metrics import bootstrap_interval, crossed_interval, crossed_t_interval, wilson_interval

trials = st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(trials, st.floats(0.01, 0.999))
def test_wilson_contains_the_fraction_and_stays_in_the_unit_interval(trial, confidence):
    successes, n = trial
    low, high = wilson_interval(successes, n, confidence)
    assert 0 <= low <= successes / n <= high <= 1 and low < high


@pytest.mark.parametrize("confidence", [0.5, 0.8, 0.95, 0.99])
def test_wilson_is_exact_at_none_and_all(confidence):
    for n in range(1, 100):             # the bare formula misses 0 and 1 by a rounding error at many of these
        assert wilson_interval(0, n, confidence)[0] == 0.0
        assert wilson_interval(n, n, confidence)[1] == 1.0


@given(trials, st.floats(0.1, 0.999))
def test_wilson_ends_are_where_the_score_test_just_rejects(trial, confidence):
    # The interval inverts |p̂ - p| = z sqrt(p (1 - p) / n), with p the end itself.
    successes, n = trial
    z = norm.ppf((1 + confidence) / 2)
    for end in wilson_interval(successes, n, confidence):
        assert (successes / n - end) ** 2 == pytest.approx(z * z * end * (1 - end) / n, rel=1e-6, abs=1e-12)


def test_wilson_on_paper():
    # 0 of n: the upper end is z^2 / (n + z^2); with z = 1.959964 and n = 10: 3.841459 / 13.841459.
    low, high = wilson_interval(0, 10)
    assert low == 0 and high == pytest.approx(3.841459 / 13.841459, rel=1e-6)
    # Newcombe (1998), table I: 81 of 263 gives 0.2553 to 0.3662.
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)


@given(trials)
def test_wilson_mirrors_and_widens_with_confidence(trial):
    successes, n = trial
    low, high = wilson_interval(successes, n)
    assert wilson_interval(n - successes, n) == pytest.approx((1 - high, 1 - low), abs=1e-12)
    wide_low, wide_high = wilson_interval(successes, n, 0.99)
    assert wide_low <= low and high <= wide_high and wide_high - wide_low > high - low


def test_bootstrap_has_the_normal_width_around_the_mean():
    values = np.random.default_rng(1).normal(3, 2, size=400)
    low, high = bootstrap_interval(values, np.random.default_rng(2), resamples=2000)
    error = values.std() / math.sqrt(400)
    # The quantile of 2000 resampled means has a standard error near 0.06 of `error`: 0.25 is four of them.
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.25 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.25 * error)
    narrow = bootstrap_interval(values, np.random.default_rng(2), confidence=0.5, resamples=2000)
    assert low < narrow[0] < values.mean() < narrow[1] < high


def test_bootstrap_repeats_with_the_seed_only():
    values = np.arange(50.0)
    first, again, other = (bootstrap_interval(values, np.random.default_rng(seed), resamples=100) for seed in (7, 7, 8))
    assert first == again != other


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=20), st.integers(0, 5))
def test_bootstrap_stays_within_the_values(values, seed):
    low, high = bootstrap_interval(values, np.random.default_rng(seed), resamples=20)
    assert min(values) - 1e-9 <= low <= high <= max(values) + 1e-9


@pytest.mark.parametrize("successes, n", [(-1, 5), (6, 5), (0, 0)])
def test_wilson_refuses_impossible_counts(successes, n):
    with pytest.raises(ValueError, match=f"wilson_interval: .*got {successes} and {n}"):
        wilson_interval(successes, n)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95])
def test_confidence_lies_between_zero_and_one(confidence):
    with pytest.raises(ValueError, match="wilson_interval: confidence must lie between 0 and 1"):
        wilson_interval(1, 2, confidence)
    with pytest.raises(ValueError, match="bootstrap_interval: confidence must lie between 0 and 1"):
        bootstrap_interval([1.0], np.random.default_rng(0), confidence)


@pytest.mark.parametrize("values", [[], [[1.0]], [1.0, np.nan]])
def test_bootstrap_refuses_what_has_no_mean(values):
    with pytest.raises(ValueError, match="bootstrap_interval: values must be finite, of shape"):
        bootstrap_interval(values, np.random.default_rng(0))


def test_bootstrap_needs_a_resample():
    with pytest.raises(ValueError, match="bootstrap_interval: resamples must be at least 1; got 0"):
        bootstrap_interval([1.0], np.random.default_rng(0), resamples=0)


@pytest.mark.parametrize("options, resamples", [({}, 1000), (dict(resamples=1), 1), (dict(resamples=37), 37)])
def test_the_bootstrap_resamples_as_often_as_asked(options, resamples):
    values = np.arange(5.0)
    rng, expected = np.random.default_rng(3), np.random.default_rng(3)
    bootstrap_interval(values, rng, **options)
    expected.integers(5, size=(resamples, 5))
    assert rng.random() == expected.random()


# Rows and columns that were both drawn ----------------------------------------------------------------------------


@given(st.integers(1, 6), st.integers(1, 40), st.floats(-3, 3), st.integers(0, 2**32 - 1))
def test_a_crossed_interval_moves_and_scales_with_its_table(seeds, items, shift, seed):
    values = np.random.default_rng(seed).normal(size=(seeds, items))
    low, high = crossed_interval(values, np.random.default_rng(seed), resamples=50)
    moved = crossed_interval(shift + 2 * values, np.random.default_rng(seed), resamples=50)
    np.testing.assert_allclose(moved, [shift + 2 * low, shift + 2 * high], atol=1e-12)
    assert values.min() - 1e-12 <= low <= high <= values.max() + 1e-12
    constant = np.full((seeds, items), shift)
    np.testing.assert_allclose(crossed_interval(constant, np.random.default_rng(seed), resamples=20), shift, atol=1e-12)


def test_a_crossed_interval_covers_the_mean_where_seeds_and_items_both_vary():
    """Of 200 tables drawn from known spreads; resampling items alone covers it far too seldom."""
    rng, covered = np.random.default_rng(0), {"crossed": 0, "items": 0}
    for _ in range(200):
        table = rng.normal(0, 0.3, (8, 1)) + rng.normal(0, 1.0, (1, 100)) + rng.normal(0, 1.0, (8, 100))
        low, high = crossed_interval(table, rng, resamples=200)
        covered["crossed"] += low <= 0 <= high
        low, high = bootstrap_interval(table.mean(0), rng, resamples=200)
        covered["items"] += low <= 0 <= high
    assert covered["crossed"] >= 174, covered                            # 95 % are 190; 8 seeds show a little less
    assert covered["items"] < covered["crossed"]


def test_a_crossed_interval_of_one_seed_is_that_of_its_items():
    values = np.random.default_rng(3).normal(size=300)
    crossed = crossed_interval(values[None], np.random.default_rng(0), resamples=4000)
    np.testing.assert_allclose(crossed, bootstrap_interval(values, np.random.default_rng(1), resamples=4000), atol=0.02)


@pytest.mark.parametrize("change", [{"values": np.zeros(3)}, {"values": np.zeros((0, 3))}, {"values": [[np.nan]]},
                                    {"confidence": 1.0}, {"resamples": 0}])
def test_a_crossed_interval_refuses(change):
    options = {"values": np.zeros((2, 3)), "confidence": 0.9, "resamples": 5} | change
    with pytest.raises(ValueError, match="crossed_interval: "):
        crossed_interval(options.pop("values"), np.random.default_rng(0), **options)


# Student's -----------------------------------------------------------------------------------------------------------


@given(st.integers(1, 6), st.integers(2, 40), st.floats(-3, 3), st.integers(0, 2**32 - 1))
def test_students_interval_moves_and_scales_with_its_table(seeds, items, shift, seed):
    values = np.random.default_rng(seed).normal(size=(seeds, items))
    low, high = crossed_t_interval(values)
    np.testing.assert_allclose(crossed_t_interval(shift + 2 * values), [shift + 2 * low, shift + 2 * high], atol=1e-9)
    assert (low + high) / 2 == pytest.approx(values.mean())
    wide = crossed_t_interval(values, 0.999)
    assert wide[0] < low < high < wide[1]
    assert crossed_t_interval(np.full((seeds, items), shift)) == pytest.approx((shift, shift))


@given(st.integers(2, 8), st.integers(0, 2**32 - 1))
def test_students_interval_of_one_axis_is_that_of_a_sample(count, seed):
    values = np.random.default_rng(seed).normal(size=count)
    expected = stats.t.interval(0.9, count - 1, values.mean(), stats.sem(values))
    for table in (values[None], values[:, None], np.repeat(values[:, None], 7, 1)):
        np.testing.assert_allclose(crossed_t_interval(table, 0.9), expected, rtol=1e-9)


@pytest.mark.parametrize("of_seeds, of_items, of_both", [(1, 0.01, 0.1), (0.1, 1, 0.5), (0, 0, 1), (0.3, 1, 1)])
def test_students_interval_covers_the_mean_at_a_level_that_five_seeds_cannot_be_resampled_to(
        of_seeds, of_items, of_both):
    """At 99 %, whether seeds decide, items, or neither; resampled percentiles cannot leave the range of the seeds."""
    rng, held = np.random.default_rng(0), 0
    for _ in range(400):
        table = of_seeds * rng.normal(size=(5, 1)) + of_items * rng.normal(size=(1, 60)) \
            + of_both * rng.normal(size=(5, 60))
        low, high = crossed_t_interval(table, 0.99)
        held += low <= 0 <= high
    assert held >= 388


@pytest.mark.parametrize("seeds", [2, 5])
def test_students_interval_does_not_mistake_seeds_that_agree_by_luck_for_seeds_that_are_alike(seeds):
    """Of 4,000 at 99.75 %, ten may be wrong; with degrees of freedom by Satterthwaite 250 are, or 30."""
    rng, wrong = np.random.default_rng(0), 0
    for _ in range(4000):
        table = rng.normal(size=(seeds, 1)) + np.sqrt(0.05 / seeds) * np.sqrt(40) * rng.normal(size=(1, 40))
        low, high = crossed_t_interval(table, 0.9975)
        wrong += not low <= 0 <= high
    assert wrong <= 20


@pytest.mark.parametrize("values, confidence", [(np.zeros(3), 0.9), (np.zeros((1, 1)), 0.9), ([[np.nan, 0]], 0.9),
                                                (np.zeros((2, 3)), 1.0)])
def test_students_interval_refuses(values, confidence):
    with pytest.raises(ValueError, match="crossed_t_interval: "):
        crossed_t_interval(values, confidence)
