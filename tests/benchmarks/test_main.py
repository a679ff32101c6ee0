"""`python -m benchmarks NAME` runs one benchmark and says by its exit status how that ended."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import __main__ as program
from benchmarks import engine


@pytest.mark.parametrize("outcome, status", [(None, 0), (KeyboardInterrupt(), 130), (ValueError("no world"), 2),
                                             (ImportError("no world"), 2)])
def test_the_exit_status_says_how_it_ended(outcome, status, monkeypatch, capsys):
    def run(options):
        assert options == ["--repeats", "3"]
        if outcome is not None:
            raise outcome

    monkeypatch.setattr(engine, "main", run)
    assert program.run(["engine", "--repeats", "3"]) == status
    assert capsys.readouterr().err == ("engine: no world\n" if status == 2 else "")


def test_a_failure_is_no_refusal(monkeypatch):
    monkeypatch.setattr(engine, "main", lambda options: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        program.run(["engine"])


@pytest.mark.parametrize("words, told", [([], "python -m benchmarks NAME"), (["nothing"], "nothing: No module named"),
                                         (["engine", "--repeats", "0"], "--repeats and --threads must be at least 1")])
def test_wrong_usage_is_status_2(words, told):
    done = subprocess.run([sys.executable, "-m", "benchmarks", *words], cwd=Path(__file__).parents[2],
                          capture_output=True, text=True)
    assert done.returncode == 2 and told in done.stderr and "Traceback" not in done.stderr
