"""Scores, their intervals, and who is better: what all recipes report."""

import numpy as np
import pytest

from tinymm.metrics import wilson_interval
from tinymm.recipes.shared import OURS, Results, Scores


def results_of(ours, theirs, **options):
    return Results("test", {OURS: Scores({"score": np.asarray(ours)}), "other": Scores({"score": np.asarray(theirs)})},
                   **options)


def test_flat_names():
    held_out = Results("test/held_out", {OURS: Scores({"a": np.array([True, False])}, {"b": 3.0}),
                                         "modal caption": Scores({"a": np.array([False, False])}, {"b": 1.0})})
    low, high = wilson_interval(1, 2)
    assert held_out.flat() == {
        "test/held_out/a": 0.5, "test/held_out/a/low": low, "test/held_out/a/high": high, "test/held_out/b": 3.0,
        "baseline/modal_caption/held_out/a": 0.0, "baseline/modal_caption/held_out/b": 1.0}


def test_shares_have_wilsons_interval_other_means_a_resampled_one_and_wholes_none(rng):
    scores = Scores({"share": np.arange(40) < 10, "errors": rng.random(40)}, {"bleu": 0.3})
    assert scores.metrics["share"] == 0.25 and scores.interval("share") == pytest.approx(wilson_interval(10, 40))
    low, high = scores.interval("errors")
    assert low < scores.metrics["errors"] < high and scores.interval("bleu") is None


def test_the_verdict_pairs_the_items_and_names_the_best_baseline(rng):
    """Where both are right and wrong on the same items, a small lead counts; where they are not, it does not."""
    hard = rng.random(400) < 0.5
    lead = np.zeros(400, bool)
    lead[np.flatnonzero(~hard)[:12]] = True
    assert "is better than its best baseline, other" in results_of(hard | lead, hard).verdict()
    shuffled = rng.permutation(hard)
    assert "is NOT BETTER than its best baseline, other" in results_of(hard | lead, shuffled | lead).verdict()
    scores = Scores({"score": hard})
    three = Results("test", {OURS: scores, "weak": Scores({"score": hard & False}), "strong": scores})
    assert "best baseline, strong" in three.verdict()


def test_of_errors_less_is_better(rng):
    few, many = rng.random(200), 1 + rng.random(200)
    assert "tinymm (score 0." in results_of(few, many, lower_is_better=("score",)).verdict()
    assert "is better" in results_of(few, many, lower_is_better=("score",)).verdict()
    assert "is NOT BETTER" in results_of(few, many).verdict()


def test_hidden_metrics_are_in_the_numbers_and_not_in_the_tables():
    systems = {OURS: Scores({"a": np.array([True])}, {"b": 0.5})}
    found = Results("test", systems, hidden=("b",))
    assert found.flat()["test/b"] == 0.5 and "b" not in str(found).split() and "b" not in found.cells()[OURS]


def test_other_ways_of_the_recipes_own_model_are_no_baselines():
    """Their numbers stand under the part, with intervals; who is better is asked of the baselines alone."""
    right = np.array([True] * 9 + [False])
    systems = {OURS: Scores({"accuracy": right}), "by itself": Scores({"accuracy": np.ones(10, bool)}),
               "majority": Scores({"accuracy": ~right})}
    results = Results("test", systems, "clips", ways=["by itself"])
    found = results.flat()
    assert found["test/by_itself/accuracy"] == 1 and found["test/by_itself/accuracy/low"] < 1
    assert found["baseline/majority/accuracy"] == 0.1 and "baseline/majority/accuracy/low" not in found
    assert "best baseline, majority (0.100)" in results.verdict() and "by itself" in str(results)
