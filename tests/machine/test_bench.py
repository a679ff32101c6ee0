"""`tinymm bench` finds the programs of a checkout, runs them, and keeps what they wrote."""

import json
import os
import subprocess
import sys

import pytest

from tinymm.cli import main
from tinymm.machine import bench

PROGRAM = '''\
"""Counts to N.

More.
"""
import json, pathlib, sys
def main(argv=None):
    print("table", argv[:-2], file=sys.stdout)
    pathlib.Path(argv[-1]).write_text(json.dumps({"comparisons": [], "argv": argv[:-2]}))
'''


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    folder = tmp_path / "checkout" / "benchmarks"
    folder.mkdir(parents=True)
    for name, text in {"__init__": "", "harness": '"""No program."""', "first": PROGRAM, "second": PROGRAM}.items():
        (folder / f"{name}.py").write_text(text)
    for name in [name for name in sys.modules if name.partition(".")[0] == "benchmarks"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(bench, "CHECKOUT", folder.parent)
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "benchmarks"]:
        del sys.modules[name]


def test_without_a_name_they_are_listed(checkout, capsys):
    assert main(["bench"]) == 0
    assert capsys.readouterr().out == "first   Counts to N.\nsecond  Counts to N.\n"


def test_each_gets_the_options_and_its_results_are_kept(checkout, tmp_path, capsys):
    target, out = tmp_path / "new" / "all.json", tmp_path / "plots"
    words = ["bench", "second", "second", "first", "--repeats", "3", "--threads", "1", "--json", str(target),
             "--out", str(out)]
    assert main(words) == 0
    expected = {"comparisons": [], "argv": ["--repeats", "3", "--threads", "1"]}
    assert json.loads(target.read_text()) == {"second": expected, "first": expected}
    assert json.loads((out / "first.json").read_text()) == expected
    assert capsys.readouterr().out.split("\n== ")[1:][0].startswith("second ==\ntable ['--repeats', '3'")


def test_all_of_them(checkout, capsys):
    assert set(bench.run(everything=True)) == {"first", "second"}


@pytest.mark.parametrize("words, message", [
    (["nothing"], "no benchmark is called 'nothing'; there are first, second"),
    (["first", "--repeats", "0"], "--repeats must be at least 1; got 0"),
    (["first", "--threads", "-1"], "--threads must be at least 1; got -1"),
])
def test_wrong_usage_is_status_2(words, message, checkout, capsys):
    assert main(["bench", *words]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("option, place", [("--json", "file/found.json"), ("--json", "folder"), ("--out", "file/plots"),
                                           ("--out", "file")])
def test_where_nothing_can_be_written_nothing_is_measured(option, place, checkout, tmp_path, capsys):
    (tmp_path / "file").write_text("kept")
    (tmp_path / "folder").mkdir()
    assert main(["bench", "first", option, str(tmp_path / place)]) == 2
    told = capsys.readouterr()
    assert f"bench: {option} must" in told.err and "table" not in told.out
    assert (tmp_path / "file").read_text() == "kept" and list((tmp_path / "folder").iterdir()) == []


def test_without_a_checkout_it_says_where_they_are(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(bench, "CHECKOUT", tmp_path)
    assert main(["bench"]) == 2
    assert "not part of the installed package" in capsys.readouterr().err


def test_the_programs_of_this_checkout_are_found_from_anywhere(tmp_path):
    done = subprocess.run([sys.executable, "-m", "tinymm", "bench"], cwd=tmp_path, capture_output=True,
                          text=True, check=True, env=os.environ | {"PYTHONPATH": str(bench.CHECKOUT)})
    assert {"attention", "captioner", "costs", "engine", "layers"} <= {
        line.split()[0] for line in done.stdout.splitlines()}
