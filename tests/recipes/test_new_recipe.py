"""A new recipe is one file: a toy page of under forty lines runs, resumes and predicts without a line elsewhere."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from tinymm import recipes
from tinymm.cli import main

TOY = Path(__file__).with_name("toy_matching.py")


@pytest.fixture(autouse=True)
def a_new_page(tmp_path, monkeypatch):
    """The toy page stands in a folder that `tinymm.recipes` looks into as well."""
    folder = tmp_path / "pages"
    folder.mkdir()
    shutil.copy(TOY, folder)
    monkeypatch.setattr(recipes, "__path__", [*recipes.__path__, str(folder)])
    yield
    sys.modules.pop("tinymm.recipes.toy_matching", None)


def test_it_is_short():
    assert len(TOY.read_text("utf-8").splitlines()) < 40  # its docstrings included


def test_it_is_found_and_explained(capsys):
    with pytest.raises(SystemExit):
        main(["run", "--help"])
    assert "toy-matching" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["run", "toy-matching", "--help"])
    told = capsys.readouterr().out
    assert "--sign {plus,minus}" in told and "Which numbers match (default: plus)" in told and "--resume" in told


def test_it_resumes_to_the_same_bits(check_resume):
    check_resume(5, "run", "toy-matching", "--sign", "minus", "--seed", 3)


@pytest.fixture
def trained(tmp_path):
    """A checkpoint, and two files to ask it about."""
    assert main(["run", "toy-matching", "--out", str(tmp_path / "o")]) == 0
    for name, number in (("a.wav", "2.5"), ("b.wav", "-1.5")):
        (tmp_path / name).write_text(number)
    return tmp_path / "o" / "checkpoint.npz"


def test_it_answers_about_pairs(trained, tmp_path, capsys):
    capsys.readouterr()
    assert main(["predict", str(trained), "--text", "one", "two", "--audio", str(tmp_path)]) == 0
    one, two = capsys.readouterr().out.splitlines()
    assert "one: yes (" in one and "two: no (" in two and one.endswith("%)")
    (tmp_path / "pairs.csv").write_text("text,audio\nfirst,b.wav\nsecond,a.wav\n")
    assert main(["predict", str(trained), "--table", str(tmp_path / "pairs.csv"), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["answer"] for row in rows] == ["first: no", "second: yes"]
    assert rows[0]["audio"] == str(tmp_path / "b.wav") and all(0.5 <= row["confidence"] <= 1 for row in rows)


def test_pairs_that_do_not_fit_are_refused(trained, tmp_path, refused):
    predict = ("predict", trained)
    assert "takes --text and --audio, or --table; got x without saying which it is" in refused(*predict, "x")
    assert "takes text and audio; got image" in refused(*predict, "--image", "x.png", "--text", "x")
    assert "as many of each kind of input, text and audio, and at least one; got 1 text, 2 audio" in refused(
        *predict, "--text", "x", "--audio", tmp_path)
    assert "got 0 text, 0 audio" in refused(*predict)
    assert "nosuch.wav must be a file or a folder" in refused(*predict, "--text", "x", "--audio", "nosuch.wav")
    (tmp_path / "pairs.csv").write_text("text,audio\nfirst,\n")
    assert "pairs.csv, row 1 (line 2): needs a text as its audio; got ''" in refused(
        *predict, "--table", tmp_path / "pairs.csv")


def test_its_metrics_have_the_names_of_every_recipe(trained):
    metrics = json.loads((trained.parent / "metrics.json").read_text())
    assert metrics["test/accuracy/low"] <= metrics["test/accuracy"] <= metrics["test/accuracy/high"]
    assert np.isfinite([metrics["baseline/always/accuracy"], metrics["seconds/train"], metrics["parameters"]]).all()
