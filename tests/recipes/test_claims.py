"""`tinymm run claims`: what the verdicts follow from, controls, equal parameters, resuming, bad input."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm import nn
from tinymm.cli import main
from tinymm.data.interactions import VectorWorld, redundant, second_is_noise, synergistic
from tinymm.data.interactions.balls import FRAMES, MOMENTS
from tinymm.metrics import bayes_accuracy
from tinymm.recipes import claims
from tinymm.recipes.shared.claiming import complementarity, trials
from tinymm.recipes.shared.claiming.contenders import sized
from tinymm.recipes.shared.claiming.experiment import Claim, Comparison, Contender
from tinymm.recipes.shared.claiming.judging import Found, difference, judged, verdict
from tinymm.recipes.shared.claiming.measuring import Measured, measured
from tinymm.recipes.shared.kept_jobs import FOUND

from .claiming import Begun


# Verdicts ---------------------------------------------------------------------------------------------------------


def found(low, high, where="here", expected="gain"):
    comparison = Comparison(where, ("ours",), ("than",), expected=expected)
    return Found(comparison, "ours", "than", (low + high) / 2, low, high)


WORDS = {"gain": found(0.1, 0.3), "no gain": found(-0.1, 0.1), "loss": found(-0.3, -0.1)}


@given(st.lists(st.sampled_from(sorted(WORDS)), min_size=1, max_size=6))
def test_the_verdict_follows_from_the_intervals(words):
    tests = [WORDS[word]._replace(comparison=Comparison(f"{word} {i}", ("a",), ("b",))) for i, word in enumerate(words)]
    told = verdict(tests)
    gains = words.count("gain")
    assert told.word == ("holds" if gains == len(words) else "depends" if gains else "fails")
    for i, word in enumerate(words):
        assert f"{word} {i}" in told.reason


@pytest.mark.parametrize("check", [found(0.1, 0.2, "shuffled", "no gain"), found(-0.1, 0.2, "permuted", "gain"),
                                   found(-0.2, -0.1, "permuted", "gain")])
def test_a_violated_control_leaves_no_verdict(check):
    told = verdict([WORDS["gain"]], [check])
    assert told.word == "unsound" and check.comparison.where in told.reason


def test_controls_that_are_as_expected_change_nothing():
    checks = [found(0.1, 0.2, "permuted"), found(-0.1, 0.1, "shuffled", "no gain"), found(-0.2, -0.1, "c", "no gain")]
    assert verdict([WORDS["gain"]], checks).word == "holds"


def test_each_side_of_a_comparison_is_its_best_on_validation():
    rng = np.random.default_rng(0)
    scores = {name: {"val": np.full((3, 20), val), "test": rng.uniform(size=(3, 20))}
              for name, val in (("a", 0.5), ("b", 0.7), ("c", 0.7), ("d", 0.9))}
    told = difference(Comparison("here", ("a", "b", "c"), ("a", "d")), scores, 1)
    assert (told.ours, told.than) == ("b", "d")                          # of equals the first
    assert told.gain == pytest.approx((scores["b"]["test"] - scores["d"]["test"]).mean())
    wide = difference(Comparison("here", ("a", "b", "c"), ("a", "d")), scores, 20)
    assert wide.low < told.low < told.gain < told.high < wide.high


def test_in_a_null_world_the_gain_holds_0_in_90_of_100_repeats():
    """Two classifiers that are equally good, right on items of unequal difficulty, with seeds of unequal luck."""
    rng, held = np.random.default_rng(0), 0
    for _ in range(100):
        easy = rng.normal(1.0, 1.0, (1, 200))
        ours, than = ((easy + rng.normal(0, 0.3, (5, 1)) + rng.normal(0, 1, (5, 200)) > 0).astype(float)
                      for _ in range(2))
        scores = {"ours": {"test": ours}, "than": {"test": than}}
        told = difference(Comparison("null", ("ours",), ("than",)), scores, 1)
        held += told.low <= 0 <= told.high
    assert 90 <= held


def test_the_correction_holds_all_intervals_together():
    """Twenty comparisons in which only seeds differ; resampled percentiles of five seeds fail in most such families."""
    rng, alarms = np.random.default_rng(1), 0
    for _ in range(100):
        table = {str(i): {"test": rng.normal(0, 1, (5, 1)) + rng.normal(0, 0.01, (5, 50))} for i in range(20)}
        alarms += any(difference(Comparison("null", (name,), 0.0), table, 20, unbounded=("test",)).word != "no gain"
                      for name in table)
    assert alarms <= 12                                                  # 5 are expected


@pytest.mark.parametrize("seeds, corrected", [(2, False), (3, True)])
def test_two_seeds_are_not_corrected_for_but_in_controls_that_expect_no_gain(seeds, corrected):
    rng = np.random.default_rng(0)
    scores = {name: {"val": np.zeros((seeds, 40)), "test": rng.random((seeds, 40))} for name in ("ours", "than")}
    tests = [Comparison(str(i), ("ours",), ("than",)) for i in range(10)]
    controls = [Comparison("c", ("ours",), ("than",), expected=word) for word in ("no gain", "gain")]
    told = judged(Claim("claim", "1", "", "", (), tests, controls=controls), Measured(scores, {}))
    one, all_tests, both = (difference(tests[0], scores, count) for count in (1, 10, 2))
    assert told.tests[0].low == (all_tests if corrected else one).low
    assert told.controls[0].low == both.low and told.controls[1].low == (both if corrected else one).low


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.3, 1.0, ("than",)]), st.sampled_from([1, 40]))
def test_an_interval_ends_where_no_mean_of_such_scores_can_lie(seed, than, count):
    rng = np.random.default_rng(seed)
    scores = {name: {"test": rng.random((2, 1)) * rng.random((2, 30)).round()} for name in ("ours", "than")}
    told = difference(Comparison("here", ("ours",), than), scores, count)
    free = difference(Comparison("here", ("ours",), than), scores, count, unbounded=("test",))
    least, most = (-1, 1) if isinstance(than, tuple) else (-than, 1 - than)
    assert told.low == max(free.low, least) and told.high == min(free.high, most)
    assert least <= told.low <= told.gain <= told.high <= most and told.gain == free.gain


# Trainings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trial", [trials.VectorTrial(Begun, 1.0, 0, redundant()), trials.ClipTrial(Begun, 1.0)],
                         ids=["vectors", "clips"])
def test_all_contenders_are_equally_large(trial):
    for kind in (*trials.SINGLES, *trials.FUSIONS, "product"):
        model = trial.model(kind, np.random.default_rng(0))
        assert 0.97 * trial.parameters <= model.num_parameters() <= trial.parameters, kind


@given(st.integers(30, 3000))
def test_the_largest_model_that_fits_is_taken(parameters):
    def make(width):
        return nn.Linear(7, width, rng=np.random.default_rng(0))

    model = sized(make, parameters)
    width = len(model.weight)
    assert model.num_parameters() <= parameters < make(width + 1).num_parameters()


class Counted:
    """Contenders that know their scores, and write down how they were asked."""

    def __init__(self, best):
        self.best = best

    def fit(self, rate, seed, report):
        good = 1.0 if rate == self.best else 0.5
        return {"val": np.full(4, good), "test": np.full(4, seed + rate)}


@pytest.fixture
def opened(tmp_path):
    """A run with a folder."""
    class Opened(Begun):
        resume = False

        class folder:
            path = tmp_path

        @staticmethod
        def say(words):
            pass

    return Opened


def a_claim(*contenders):
    return Claim("c", "0", "s", "n", contenders, tests=())


def test_each_contender_has_its_best_rate_and_a_control_that_of_another(opened):
    one, other = Counted(1e-2), Counted(None)
    claim = a_claim(Contender("one", one.fit), Contender("other", other.fit), Contender("control", one.fit, like="one"),
                    Contender("fixed", one.fit, rates=(0.5,)))
    told = measured(opened, [claim], seeds=2)["c"]
    assert told.rates == {"one": 1e-2, "other": 3e-3, "control": 1e-2, "fixed": 0.5}
    np.testing.assert_allclose(told.scores["one"]["test"], [[0.01] * 4, [1.01] * 4])
    tuned = {path.parent.name for path in (opened.folder.path / "c" / "one" / "tuning").rglob(FOUND)}
    assert tuned == {"0.001", "0.003", "0.01"} and not (opened.folder.path / "c" / "control" / "tuning").exists()
    assert measured(opened, [claim], seeds=1, tunes=False)["c"].rates["one"] == 3e-3


def test_seeds_that_were_tested_on_different_items_are_refused(opened):
    claim = a_claim(Contender("one", lambda rate, seed, report: {"val": np.zeros(2), "test": np.zeros(2 + seed)}))
    with pytest.raises(ValueError, match="every seed must be tested on the same items"):
        measured(opened, [claim], seeds=2, tunes=False)


# Complementarity --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small():
    """Trainings that learn their worlds in a fraction of a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trials.VectorTrial, "sizes", {"train": 1000, "val": 100, "test": 400})
        patch.setattr(trials.VectorTrial, "plan", replace(trials.VectorTrial.plan, steps=200))
        yield


class Leaking(VectorWorld):
    """A world with a mistake: the second vector tells the label."""

    def sample(self, n, rng, table=None):
        (first, second), labels = super().sample(n, rng, table)
        second[:, 0] = 5 * labels
        return (first, second), labels


def test_without_their_order_the_frames_tell_the_middle_moment_alone(monkeypatch):
    """How far apart the balls are in all frames, in no order; moments with the same distances cannot be told apart."""
    by_distances = {}
    for symbol, moment in enumerate(MOMENTS, start=1):
        by_distances.setdefault(tuple(sorted(abs(np.arange(FRAMES) - moment))), []).append(symbol)
    monkeypatch.setattr(trials.ClipTrial, "sizes", dict.fromkeys(trials.ClipTrial.sizes, 12))
    trial = trials.ClipTrial(Begun, 1.0)
    told = np.stack([trial.world.table[[0]].sum(0),
                     *(trial.world.table[symbols].sum(0) for symbols in by_distances.values())])
    assert trial.unordered_accuracy == pytest.approx(bayes_accuracy(told)) == pytest.approx(17 / 18)


def tried(interaction, seeds=2):
    """A world's own claim, measured in this process."""
    claim = complementarity.claim_about([trials.VectorTrial(Begun, 1.0, 0, interaction)])
    scores = {contender.name: [contender.fit(1e-2, seed, lambda share: None) for seed in range(seeds)]
              for contender in claim.contenders}
    scores = {name: {part: np.stack([one[part] for one in some]) for part in some[0]} for name, some in scores.items()}
    return claim, judged(claim, Measured(scores, {})), scores


@pytest.mark.parametrize("interaction, word", [
    (redundant(), "fails"), (synergistic(), "holds"), (second_is_noise(), "fails"),
], ids=["redundant", "synergistic", "null"])
def test_flipping_a_world_flips_the_verdict(small, interaction, word):
    _, told, scores = tried(interaction)
    assert told.verdict.word == word, told
    (test,) = told.tests
    assert (test.low <= 0 <= test.high) == (word == "fails")
    if interaction.name == "synergistic":
        assert scores["synergistic/concatenation"]["test"].mean() >= 0.98
        for name in trials.SINGLES:
            assert difference(Comparison("chance", (f"synergistic/{name}",), 0.5), scores, 50).word == "no gain"


@pytest.mark.parametrize("interaction", [redundant(), synergistic(), second_is_noise()], ids=lambda own: own.name)
def test_a_label_that_leaks_is_caught_by_the_controls(small, monkeypatch, interaction):
    monkeypatch.setattr(trials, "VectorWorld", Leaking)
    _, told, _ = tried(interaction)
    assert told.verdict.word == "unsound" and "labels shuffled" in told.verdict.reason
    if interaction.name != "redundant":                                  # there nothing is above its ceiling of 1
        assert f"{interaction.name}/second (test) is above its ceiling" in told.verdict.reason


# The whole run ----------------------------------------------------------------------------------------------------


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(complementarity, "WORLDS", (redundant(), synergistic()))
    for trial in (trials.VectorTrial, trials.ClipTrial):
        monkeypatch.setattr(trial, "sizes", {"train": 64, "val": 20, "test": 50})


def test_a_run_leaves_verdicts_numbers_and_a_report(short, tmp_path, capsys):
    assert main(["run", "claims", "--claims", "complementarity", "--quick", "--epochs", "1", "--out",
                 str(tmp_path / "o")]) == 0
    told = capsys.readouterr().out
    assert "A quick run: 2 seeds" in told and "trainings done" in told
    metrics = json.loads((tmp_path / "o" / "metrics.json").read_text())
    assert metrics["complementarity/synergistic/first/test/ceiling"] == 0.5
    gain = next(name for name in metrics if name.startswith("gain/complementarity/synergistic/"))
    assert metrics[f"{gain}/low"] <= metrics[gain] <= metrics[f"{gain}/high"]
    verdicts = json.loads((tmp_path / "o" / "claims.json").read_text())
    assert verdicts["complementarity"]["word"] in ("holds", "fails", "depends", "unsound")
    html = (tmp_path / "o" / "report.html").read_text()
    for words in ("null hypothesis", "A quick run", "labels shuffled", "ceiling", "Bonferroni"):
        assert words in html


def test_a_run_that_was_broken_off_ends_with_the_same_table(short, tmp_path, monkeypatch):
    words = ["run", "claims", "--claims", "complementarity", "--seeds", "2", "--epochs", "1", "--out"]
    real = trials.learned
    monkeypatch.setattr(complementarity, "WORLDS", (synergistic(),))
    monkeypatch.setitem(claims.CLAIMS, "complementarity", lambda run, quick: complementarity.claim_about(
        complementarity.vector_trials(run, 1.0)))
    assert main([*words, str(tmp_path / "whole")]) == 0
    calls = tmp_path / "calls"
    calls.mkdir()

    def stop_in_a_late_one(run, plan, model, data, seed, report):
        if len(list(calls.iterdir())) > 17:                              # of 29, of which 15 tune
            raise KeyboardInterrupt
        np.save(calls / f"{np.random.default_rng().integers(2**60)}.npy", 0)  # it runs in a process of its own
        return real(run, plan, model, data, seed, report)

    with monkeypatch.context() as patch:
        patch.setattr(trials, "learned", stop_in_a_late_one)
        assert main([*words, str(tmp_path / "broken")]) == 130
    done = {path: path.stat().st_mtime_ns for path in (tmp_path / "broken").rglob(FOUND)}
    assert done and not (tmp_path / "broken" / "metrics.json").exists()
    assert main([*words, str(tmp_path / "broken"), "--resume"]) == 0
    assert done.items() <= {path: path.stat().st_mtime_ns for path in (tmp_path / "broken").rglob(FOUND)}.items()
    for name in ("metrics.json", "claims.json"):
        one, other = (json.loads((tmp_path / folder / name).read_text()) for folder in ("whole", "broken"))
        assert one == other


@pytest.mark.parametrize("words, rule", [
    (["--claims", "beauty"], "--claims: must be among complementarity"),
    (["--seeds", "1"], "--seeds: must be at least 2, since intervals are of seeds too; got 1"),
    (["--images", "x"], "--images: needs --data with spoken digits; got x"),
    (["--data", "x", "--images", "y"], "x: the folder is not there"),
])
def test_bad_options_are_refused_before_anything_is_made(words, rule, tmp_path, refused):
    assert rule in refused("run", "claims", "--out", tmp_path / "o", *words)
    assert not (tmp_path / "o").exists()
