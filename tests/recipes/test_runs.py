"""Runs that meet each other, places that cannot be written to, options that would do nothing, runs that diverge."""

import errno
import os
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest

import tinymm
from tinymm import writing
from tinymm.cli import main
from tinymm.recipes.shared import Plan, recipe
from tinymm.recipes.shared.folder import RunFolder
from tinymm.training import TrainingSet


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def names(folder="."):
    return sorted(os.listdir(folder))


# Runs that meet ---------------------------------------------------------------------------------------------------


def test_runs_that_begin_at_once_take_folders_of_their_own():
    n, found = 6, []
    gate = threading.Barrier(n)

    def begin():
        gate.wait()
        found.append(RunFolder.new("a", {"recipe": "a"}))

    threads = [threading.Thread(target=begin) for _ in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(folder.path.name for folder in found) == ["a", *(f"a-{k}" for k in range(2, n + 1))]
    for folder in found:
        folder.__exit__(None, None, None)


def test_a_named_folder_is_for_one_run():
    with RunFolder("o", {"recipe": "a"}, resume=False), pytest.raises(ValueError, match="must not be in use by"):
        RunFolder("o", {"recipe": "a"}, resume=False)


def test_a_run_killed_before_its_first_checkpoint_starts_over():
    begun = RunFolder("o", {"recipe": "a", "seed": 0}, resume=False)
    begun.lock.file.close()                                              # as the end of its process would
    with RunFolder("o", {"recipe": "a", "seed": 1}, resume=True) as again:
        assert not again.checkpoint.exists() and '"seed": 1' in Path("o/config.json").read_text()


def test_files_that_no_run_has_written_stay_as_they_are():
    Path("o").mkdir()
    for content in ('{"name": "mine"}', "[]", "no JSON", "\udce9"):
        Path("o/config.json").write_bytes(content.encode("utf-8", "surrogateescape"))
        for resume in (False, True):
            with pytest.raises(ValueError, match="^--(out|resume): o holds .*config.json that no run has written"):
                RunFolder("o", {"recipe": "a"}, resume)
    assert names("o") == ["config.json"]


# Places that cannot be written to ---------------------------------------------------------------------------------


def places():
    Path("file").write_text("")
    Path("o").mkdir()
    Path("o/report.html").mkdir()
    yield "file", "--out: must be a folder; file is a file"
    yield "file/o", "file: "
    yield "x" * 300, "xxx"
    yield "new/" + "x" * 300, "xxx"
    os.mkfifo("pipe")
    yield "pipe", "must be a folder"
    if sys.platform == "linux":
        yield "/proc/self/o", "/proc/self"
    yield "o", "o/report.html: "


@pytest.mark.skipif(os.name != "posix", reason="makes a pipe")
def test_where_nothing_can_be_written_is_told_before_the_data_are_read(refused, monkeypatch):
    monkeypatch.setattr("tinymm.recipes.text_classification.drawn_opinions", None)
    for place, text in places():
        before = names()
        assert text in refused("run", "text-classification", "--out", place), place
        assert names() == before


def full(path):
    """As `os.fsync` where the disk is full."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@recipe
def toy(run, rate=0.1):
    """A line through two points.

    Parameters
    ----------
    rate : float
        Of learning.
    """
    x = np.ones((2, 1), np.float32)
    run.begin("points", {"train": x})
    model = tinymm.nn.Linear(1, 1, rng=run.rng(0))
    plan = Plan(batch_size=2, steps=400, peak_rate=rate, weight_decay=0.0)
    return run.fit(plan, model, lambda model, x, rng: (model(x) ** 2).sum(),
                   TrainingSet(2, lambda rows, rng: tinymm.tensor(x[rows])), None, config={})


@pytest.mark.parametrize("write", range(3))
def test_a_full_disk_leaves_nothing_half_made(write, monkeypatch):
    calls, fsync = [], os.fsync

    def some(file):
        calls.append(file)
        (full if len(calls) > write else fsync)(file)

    monkeypatch.setattr(os, "fsync", some)
    with pytest.raises(OSError) as error:
        toy(out="new/o", progress=False)
    assert error.value.errno == errno.ENOSPC and len(calls) > write and names() == []


# Options ----------------------------------------------------------------------------------------------------------

CAPTION = ("caption", "x.png", "--checkpoint", "c.npz")


@pytest.mark.parametrize("words, text", [
    *((("run", "captioning", *words), f"{words[0]}: needs --data") for words in (
        ("--hold-out", "base"), ("--image-size", "0"), ("--image-size", "32"))),
    *(((*command, *words), f"{words[0]}: needs --decode {way}; got --decode {chosen}")
      for command in (("run", "captioning"), CAPTION)
      for words, way, chosen in ((("--beam", "8"), "beam or diverse", "greedy"), (("--top-k", "3"), "sample", "greedy"),
                                 (("--temperature", "0.5", "--decode", "beam"), "sample", "beam"),
                                 (("--length-penalty", "0"), "beam or diverse", "greedy"),
                                 (("--groups", "2", "--decode", "beam"), "diverse", "beam"),
                                 (("--diversity", "1"), "diverse", "greedy"), (("--min-p", "0"), "sample", "greedy"),
                                 (("--top-p", "0.5"), "sample", "greedy"))),
    ((*CAPTION, "--n-best", "2"), "--n-best: needs --decode beam or diverse; got --decode greedy"),
    ((*CAPTION, "--n-best", "0"), "--n-best: must be at least 1; got 0"),
    ((*CAPTION, "--n-best", "5", "--decode", "beam"), "--n-best: must be at most 4, as many as are kept; got 5"),
    ((*CAPTION, "--n-best", "3", "--decode", "diverse", "--groups", "2"), "--n-best: must be at most 2"),
    ((*CAPTION, "--decode", "diverse", "--groups", "3"), "--groups: must divide --beam; got 3 with --beam 4"),
    ((*CAPTION, "--decode", "sample", "--temperature", "0"),
     "--temperature: must be positive; for the likeliest word use --decode greedy; got 0.0"),
    ((*CAPTION, "--repetition-penalty", "0.5"), "--repetition-penalty: must be at least 1; got 0.5"),
    ((*CAPTION, "--no-repeat-ngram", "0"), "--no-repeat-ngram: must be at least 1; got 0"),
    ((*CAPTION, "--min-length", "-1"), "--min-length: must be at least 0; got -1"),
    ((*CAPTION, "--diversity", "nan"), "--diversity: must be at least 0; got nan"),
    ((*CAPTION, "--min-p", "1.5"), "--min-p: must lie in [0, 1]; got 1.5"),
    ((*CAPTION, "--seed", "1"), "--seed: needs --decode sample; got --decode greedy"),
    (("run", "image-recognition", "--image-size", "0"), "--image-size: is for folders"),
    *((("run", f"{kind}", "--leave-out", "x"), "--leave-out: needs --data")
      for kind in ("sound-classification", "speech-recognition")),
    (("run", "speech-recognition", "--beam", "4"), "--beam: needs --decode beam; got --decode greedy"),
    (("run", "speech-recognition", "--lm", "1"), "--lm: needs --decode beam"),
    (("run", "speech-recognition", "--decode", "beam", "--lm", "nan"), "--lm: must be at least 0"),
    (("run", "captioning", "--decode", "sample", "--temperature", "inf"), "--temperature: must be positive"),
    (("run", "captioning", "--scheduled-sampling", "1.5"), "--scheduled-sampling: must lie in [0, 1]; got 1.5"),
    (("run", "captioning", "--top-k", "0"), "--top-k: must be at least 1; got 0"),
    (("run", "text-classification", "--columns", "a,b"), "--columns: needs --data"),
])
def test_an_option_that_would_do_nothing_is_refused(words, text, refused):
    assert text in refused(*words)


# Runs that diverge ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("debug", [False, True])
def test_a_run_that_diverges_tells_one_line(debug):
    """NumPy's warnings of overflow are for --debug; a process of its own, since the suite makes them errors."""
    code = ("import sys, tinymm.recipes.text_classification as t; from tinymm.cli import main\n"
            "from dataclasses import replace\n"
            "t.drawn_opinions.__defaults__ = (64, 16, 16)\n"
            "t.OPINIONS |= {'plan': replace(t.OPINIONS['plan'], peak_rate=1e30, steps=9)}\n"
            "sys.exit(main(sys.argv[1:]))")
    done = subprocess.run([sys.executable, "-c", code, "run", "text-classification", "--encoder", "bag",
                           *["--debug"][:debug]], text=True, capture_output=True,
                          env=os.environ | {"PYTHONPATH": str(Path(tinymm.__file__).parents[1])})
    *steps, line = done.stderr.splitlines()
    assert done.returncode == 1 and line.startswith("tinymm: the training diverged: "), done.stderr
    assert debug == any("RuntimeWarning" in step for step in steps)
    assert debug or all(step.startswith("epoch ") for step in steps)


def test_the_command_leaves_others_warnings_as_they_were(refused):
    before = list(warnings.filters)
    refused("run", "captioning", "--image-size", "32")
    assert warnings.filters == before
    assert writing.TEMPORARY.format("*") not in names()
