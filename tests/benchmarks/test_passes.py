"""The passes' program writes what it prints, and a layer's floor is the sum of its passes."""

import json

import pytest

from benchmarks import passes


def test_the_program_adds_up_what_it_timed(timed_at_once, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(passes, "peer", lambda name: None)
    monkeypatch.setattr(passes, "PASSES", {"softmax, 2048 rows of 512": passes.PASSES["softmax, 2048 rows of 512"]})
    passes.main(["--repeats", "1", "--json", str(tmp_path / "found.json")])
    found = json.loads((tmp_path / "found.json").read_text())
    cost, floors = found["passes"], found["floors"]
    once = ("z = exp x", "sum of each row", "x = x ⊙ column", "sum of x ⊙ y of each row", "z = x ⊙ column",
            "x = x ⊙ y")
    assert floors["softmax, 2048 rows of 512"] == pytest.approx(sum(cost[kind] for kind in once))
    assert f"6 passes {floors['softmax, 2048 rows of 512']:6.2f}" in capsys.readouterr().out


def test_however_often_a_pass_is_made_its_numbers_stay_in_range():
    for run in passes.passes().values():
        for _ in range(50):
            run()                                       # a warning would be an error
