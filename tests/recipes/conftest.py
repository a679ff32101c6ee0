"""What every recipe promises at the command line, as fixtures: refusals in one line, resuming to the same bits."""

import json

import numpy as np
import pytest

from tinymm.cli import main
from tinymm.training import load_checkpoint, loop


@pytest.fixture
def refused(capsys):
    """refused(*words): the one line that a refused command prints; its exit status is 2."""
    def told(*words):
        capsys.readouterr()                                             # what was printed before
        assert main([*map(str, words)]) == 2
        message = capsys.readouterr().err.strip()
        assert message.startswith("tinymm: ") and "\n" not in message
        return message

    return told


@pytest.fixture
def interrupted(monkeypatch):
    """interrupted(steps, *words): ends the command as Ctrl-C after so many steps of training would; exit status 130."""
    def run(steps, *words):
        train_step, done = loop.Trainer._train_step, []

        def train_step_or_stop(self, rows):
            if len(done) == steps:
                raise KeyboardInterrupt
            done.append(1)
            return train_step(self, rows)

        with monkeypatch.context() as patch:
            patch.setattr(loop.Trainer, "_train_step", train_step_or_stop)
            assert main([*map(str, words)]) == 130

    return run


@pytest.fixture
def check_resume(interrupted, tmp_path):
    """check_resume(steps, *words): broken off and resumed, the command ends with the bits of an undisturbed run."""
    def check(steps, *words):
        words, whole, broken = [*map(str, words)], tmp_path / "whole", tmp_path / "broken"
        assert main([*words, "--out", str(whole)]) == 0
        interrupted(steps, *words, "--out", broken)
        assert main([*words, "--out", str(broken), "--resume"]) == 0
        one, other = (load_checkpoint(folder / "checkpoint.npz")[0] for folder in (whole, broken))
        assert one.keys() == other.keys()
        for name in one:
            np.testing.assert_array_equal(one[name], other[name], err_msg=name)
        assert metrics_but_for_time(whole) == metrics_but_for_time(broken)

    return check


@pytest.fixture
def same_but_for_time():
    """same_but_for_time(one, other): two folders of runs hold the same metrics."""
    def check(one, other):
        assert metrics_but_for_time(one) == metrics_but_for_time(other)

    return check


def metrics_but_for_time(folder):
    metrics = json.loads((folder / "metrics.json").read_text())
    return {name: value for name, value in metrics.items() if "seconds" not in name}
