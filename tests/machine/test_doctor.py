"""`tinymm doctor` says what it measured and claims no gain that it did not."""

import json
import os

import pytest

from tinymm.cli import main
from tinymm.machine import Blas, doctor

SLOW, FAST = {"float32": 1e11, "float64": 5e10, "memory": 2e10}, {"float32": 2e11, "float64": 5e10, "memory": 2e10}


@pytest.fixture
def pretended(monkeypatch):
    """A machine whose OpenBLAS runs Haswell kernels though better ones are there; how it measures, and what is set."""
    def prepare(with_it=FAST, kernels="Haswell", better="SkylakeX", threads=2, cores=2, **variables):
        for name in list(os.environ):
            if name.startswith(("OPENBLAS_", "TINYMM_CORE")) or name in doctor.THREADS:
                monkeypatch.delenv(name)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        asked = []
        monkeypatch.setattr(doctor, "blas", lambda: Blas("openblas", "0.3.31", True, kernels, threads))
        monkeypatch.setattr(doctor, "usable_cores", lambda: cores)
        monkeypatch.setattr(doctor, "better_kernels", lambda chip, library: better)

        def measure(environment, threads):
            asked.append(environment.get("OPENBLAS_CORETYPE"))
            return with_it if environment.get("OPENBLAS_CORETYPE") == "SkylakeX" else SLOW

        monkeypatch.setattr(doctor, "_measure", measure)
        return asked

    return prepare


def test_a_gain_is_measured_in_turn_and_told(pretended, capsys):
    asked = pretended()
    assert main(["doctor", "--repeats", "3"]) == 0
    out = capsys.readouterr().out
    assert asked == [None, None] + [None, "SkylakeX"] * 3
    assert "with OPENBLAS_CORETYPE=SkylakeX, float32 products run 2.00 times as fast [2.00 - 2.00]" in out
    assert "mend it for programs of your own: export OPENBLAS_CORETYPE=SkylakeX" in out


def test_what_does_not_pay_is_not_recommended(pretended, capsys):
    pretended(with_it=SLOW)
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "1.00 times as fast" in out and "no gain: leave things as they are" in out and "export" not in out


def test_nothing_is_claimed_where_nothing_was_tried(pretended):
    pretended(kernels=None, better=None, threads=None)
    found = doctor.examine()
    assert found["gain"] is None and "unknown" in found["findings"][0] \
        and not any("times" in f for f in found["findings"])


def test_the_users_own_setting_is_named(pretended):
    asked = pretended(OPENBLAS_CORETYPE="Haswell")
    found = doctor.examine(2)
    assert found["environment"] == {"OPENBLAS_CORETYPE": "Haswell"} and "Haswell" in asked
    assert any("OPENBLAS_CORETYPE=Haswell is set" in f for f in found["findings"])


def test_what_the_command_set_is_taken_away_for_the_comparison(pretended):
    asked = pretended(kernels="SkylakeX", better=None, OPENBLAS_CORETYPE="SkylakeX", TINYMM_CORETYPE="SkylakeX")
    found = doctor.examine(2)
    assert asked == [None, None] + [None, "SkylakeX"] * 2
    assert found["environment"] == {} and found["gain"]["ratios"]["float32"] == [2, 2, 2]


@pytest.mark.parametrize("threads, cores, word", [(1, 2, "1 of 2 cores: OPENBLAS_NUM_THREADS=1 is set"),
                                                   (8, 2, "8 threads on 2 cores"), (2, 2, None)])
def test_threads_and_cores_are_compared(threads, cores, word, pretended):
    pretended(better=None, threads=threads, cores=cores, **({"OPENBLAS_NUM_THREADS": "1"} if threads == 1 else {}))
    findings = doctor.examine()["findings"]
    assert (word is None) == (len(findings) == 1) and (word is None or any(word in f for f in findings))


def test_json_is_all_that_is_printed(pretended, capsys):
    pretended()
    assert main(["doctor", "--json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["rates"]["1 thread"] == SLOW and not printed.err


def test_another_process_measures(monkeypatch):
    found = doctor._measure(dict(os.environ), 1)
    assert set(found) == set(doctor.ROWS) and all(value > 0 for value in found.values())
    monkeypatch.setattr(doctor.rates, "__file__", "/no/such/file.py")
    with pytest.raises(ValueError, match="doctor: measuring failed"):
        doctor._measure(dict(os.environ), 1)


def test_wrong_usage_is_status_2(capsys):
    assert main(["doctor", "--repeats", "1"]) == 2
    assert "--repeats must be at least 2" in capsys.readouterr().err
