"""The estimators' program writes what it prints, and what it finds is what the formulas say."""

import json

import numpy as np
import pytest

from benchmarks import estimators


def test_the_program_finds_what_the_formulas_say(timed_at_once, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(estimators, "DRAWS", 20_000)
    estimators.main(["--repeats", "3", "--json", str(tmp_path / "found.json")])
    rows = {row["estimator"]: row for row in json.loads((tmp_path / "found.json").read_text())["rows"]}
    for name, row in rows.items():
        if name.startswith("REINFORCE"):
            assert row["variance"][1] == pytest.approx(row["predicted_variance"], rel=0.05) \
                and row["standard_errors"][1] < 4
    relaxed = [rows[f"Gumbel, relaxed, τ = {tau}"] for tau in estimators.TEMPERATURES]
    assert np.all(np.diff([row["bias"][1] for row in relaxed]) < 0) \
        and np.all(np.diff([row["variance"][1] for row in relaxed]) > 0)
    assert relaxed[0]["standard_errors"][1] > 50                                     # its bias is no accident
    out = capsys.readouterr().out
    assert "the variance falls to 1/3." in out and "predicted 1/3.29" in out
