"""`tinymm bench` finds the programs of a checkout, runs them, and keeps what they wrote."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tinymm.cli import main
from tinymm.machine import bench

ROOT = Path(__file__).parents[2]
PROGRAM = '''\
"""Counts to N.

More.
"""
import json, pathlib, sys
def main(argv=None):
    print("1/1 ...", file=sys.stderr)
    print("table", argv[:-2])
    pathlib.Path(argv[-1]).write_text(json.dumps({"comparisons": [], "argv": argv[:-2]}))
'''


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    folder = tmp_path / "checkout" / "benchmarks"
    folder.mkdir(parents=True)
    for name, text in {"__init__": "", "__main__": (ROOT / "benchmarks" / "__main__.py").read_text("utf-8"),
                       "harness": '"""No program."""', "first": PROGRAM, "second": PROGRAM}.items():
        (folder / f"{name}.py").write_text(text, "utf-8")
    monkeypatch.setattr(bench, "CHECKOUT", folder.parent)
    return folder


def test_without_a_name_they_are_listed(checkout, capsys):
    assert main(["bench"]) == 0
    assert capsys.readouterr().out == "first   Counts to N.\nsecond  Counts to N.\n"


def test_each_gets_the_options_and_its_results_are_kept(checkout, tmp_path, capfd):
    target, out = tmp_path / "new" / "all.json", tmp_path / "plots"
    words = ["bench", "second", "second", "first", "--repeats", "3", "--threads", "1", "--json", str(target),
             "--out", str(out)]
    assert main(words) == 0
    expected = {"comparisons": [], "argv": ["--repeats", "3", "--threads", "1", "--out", str(out)]}
    assert json.loads(target.read_text()) == {"second": expected, "first": expected}
    assert json.loads((out / "first.json").read_text()) == expected
    printed = capfd.readouterr()
    assert printed.out.split("\n== ")[1:][0].startswith("second ==\ntable ['--repeats', '3'")
    assert printed.err == "1/1 ...\n" * 2


def test_all_of_them(checkout):
    assert set(bench.run(everything=True)) == {"first", "second"}


def test_another_folder_of_that_name_is_not_taken(checkout, tmp_path, monkeypatch):
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "__main__.py").write_text("raise SystemExit(1)")
    monkeypatch.chdir(tmp_path)
    assert set(bench.run(["first"], target="found.json")) == {"first"}
    assert (tmp_path / "found.json").exists()


@pytest.mark.parametrize("action", ["raise ValueError('no such world')", "import no_such_world", "sys.exit(2)"])
def test_a_benchmark_that_refuses_to_run_is_status_2(action, checkout, tmp_path, capfd):
    (checkout / "third.py").write_text(f"import sys\ndef main(argv):\n    {action}\n")
    assert main(["bench", "first", "third", "--json", str(tmp_path / "found.json")]) == 2
    told = capfd.readouterr().err
    assert told.endswith("tinymm: bench: third ended with exit status 2; its message stands above\n")
    assert "exit" in action or "third: " in told and "such" in told
    assert "Traceback" not in told and set(json.loads((tmp_path / "found.json").read_text())) == {"first"}


def test_a_benchmark_that_fails_is_an_error(checkout, capfd):
    (checkout / "third.py").write_text("def main(argv):\n    assert False, 'results differ'\n")
    with pytest.raises(RuntimeError, match="bench: third ended with exit status 1"):
        bench.run(["third"])
    assert "AssertionError: results differ" in capfd.readouterr().err


def test_a_benchmark_that_is_interrupted_interrupts_the_command(checkout, capfd):
    (checkout / "third.py").write_text("def main(argv):\n    raise KeyboardInterrupt\n")
    assert main(["bench", "third", "first"]) == 130
    told = capfd.readouterr()
    assert "Traceback" not in told.err and "table" not in told.out


BROKEN_OFF = """\
import pathlib, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # even where the parent process ignores Ctrl-C
from tinymm.cli import main
from tinymm.machine import bench
bench.CHECKOUT = pathlib.Path(sys.argv[1])
sys.exit(main(["bench", *sys.argv[2:]]))
"""


@pytest.mark.skipif(os.name != "posix", reason="sends signals to a group of processes")
@pytest.mark.parametrize("target", ["both", "command"])
def test_ctrl_c_ends_both_and_keeps_what_was_measured(target, checkout, tmp_path):
    (checkout / "slow.py").write_text("import os, pathlib, time\ndef main(argv):\n"
                                      f"    pathlib.Path({str(tmp_path / 'pid')!r}).write_text(f'{{os.getpid()}} ')\n"
                                      "    time.sleep(60)\n")
    words = [str(checkout.parent), "first", "slow", "--json", str(tmp_path / "found.json")]
    process = subprocess.Popen([sys.executable, "-c", BROKEN_OFF, *words], start_new_session=True, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env=os.environ | {"PYTHONPATH": str(ROOT)})
    file = tmp_path / "pid"
    while process.poll() is None and not (file.exists() and file.read_text().endswith(" ")):
        time.sleep(0.005)
    benchmark = int(file.read_text())
    (os.killpg if target == "both" else os.kill)(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 130 and "tinymm: interrupted" in told and "Traceback" not in told
    assert set(json.loads((tmp_path / "found.json").read_text())) == {"first"}
    with pytest.raises(ProcessLookupError):
        os.kill(benchmark, 0)


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
                          text=True, check=True, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert {"attention", "captioner", "costs", "engine", "layers"} <= {
        line.split()[0] for line in done.stdout.splitlines()}
