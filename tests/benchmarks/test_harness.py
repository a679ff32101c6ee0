"""The arithmetic and the order of events; never a duration."""

import doctest
import gc
import json
import platform
import time

import numpy as np
import pytest

from benchmarks import harness, machine


def test_the_examples_of_the_docstrings():
    assert doctest.testmod(harness).failed == 0


class Clock:
    """Time that passes only where a candidate says so."""

    def __init__(self):
        self.now, self.order = 0.0, []

    def __call__(self):
        return self.now

    def candidate(self, name, durations):
        left = iter(durations)

        def run():
            self.order.append(name)
            self.now += next(left)

        return run


def test_rounds_alternate_and_warm_up_is_not_counted():
    clock = Clock()
    candidates = {"a": clock.candidate("a", [100, 1, 2]), "b": clock.candidate("b", [200, 10, 20])}
    seconds = harness.alternate(candidates, rounds=2, warmup=1, clock=clock)
    assert clock.order == ["a", "b"] * 3
    assert seconds["a"].tolist() == [1, 2] and seconds["b"].tolist() == [10, 20]


def test_a_short_candidate_settles_before_it_is_timed():
    runs = {"short": 0, "long": 0}

    def candidate(name, seconds):
        def run():
            runs[name] += 1
            time.sleep(seconds)
        return run

    seconds = harness.alternate({"short": candidate("short", 0.0005), "long": candidate("long", 0.03)}, 2,
                                warmup=1, settle=0.005)
    assert all(len(s) == 2 for s in seconds.values())
    assert runs["short"] > 3 + 3                    # for 5 ms before each of three timings
    assert runs["long"] == 3 + 1                    # before the first only, when nothing is known of it


def test_a_ratio_is_taken_round_by_round(rng):
    base, factor = rng.uniform(1, 100, 11), rng.uniform(0.5, 2, 11)
    found = harness.compare("noisy machine", {"ours": base * factor, "theirs": base}, "theirs", "µs per op", 1e6 / 2000)
    np.testing.assert_allclose(found.ratios["ours"], np.percentile(factor, [10, 50, 90]), atol=1e-6)
    np.testing.assert_allclose(found.times["theirs"], np.percentile(base * 500, [10, 50, 90]), atol=1e-5)
    assert found.ratios["theirs"] == (1, 1, 1) and found.rounds == 11


def test_an_unknown_baseline_is_an_error():
    with pytest.raises(ValueError, match="compare: the baseline must be one of ours; got 'theirs'"):
        harness.compare("x", {"ours": np.ones(2)}, "theirs")


@pytest.mark.parametrize("enabled", [True, False])
def test_the_garbage_collector_rests_during_a_run_and_is_left_as_it_was(enabled):
    seen = []
    (gc.enable if enabled else gc.disable)()
    try:
        harness.alternate({"a": lambda: seen.append(gc.isenabled())}, rounds=2)
        with pytest.raises(ZeroDivisionError):
            harness.alternate({"a": lambda: 1 / 0}, rounds=1)
        assert not any(seen) and gc.isenabled() == enabled and gc.get_freeze_count() == 0
    finally:
        gc.enable()


def test_the_report_is_printed_and_written(tmp_path, capsys):
    pytest.importorskip("threadpoolctl")
    found = harness.compare("sum", {"ours": np.array([1.0, 1.0]), "theirs": np.array([2.0, 2.0])}, "theirs")
    harness.report([found], tmp_path / "out.json", threads=1)
    printed, written = capsys.readouterr().out, (tmp_path / "out.json").read_text()
    assert "0.50 x theirs" in printed
    data = json.loads(written)
    assert data["comparisons"][0]["ratios"]["ours"] == [0.5, 0.5, 0.5]
    assert data["machine"]["numpy"] == np.__version__ and data["machine"]["threads"] == "1"
    assert platform.node() not in printed + written


def test_an_absent_peer_is_left_out_with_a_word(capsys):
    assert machine.peer("no_such_library") is None
    assert "no_such_library: not installed" in capsys.readouterr().out


def test_options_that_cannot_be_are_refused(capsys):
    assert harness.parse_arguments("x", 20, 1, []).repeats == 20
    with pytest.raises(SystemExit):
        harness.parse_arguments("x", 20, 1, ["--repeats", "0"])
    with pytest.raises(SystemExit):
        harness.parse_arguments("x", 20, 1, ["--json", __file__ + "/found.json"])
    with pytest.raises(SystemExit):
        harness.parse_arguments("x", 20, 1, ["--out", __file__ + "/plots"])
    told = capsys.readouterr().err
    assert "at least 1" in told
    assert all(f"{option} must lie in a folder that can be written" in told for option in ("--json", "--out"))
