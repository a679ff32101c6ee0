"""However the command fails, it ends in one line and a status: every command, every kind of error,
from the first import on."""

import contextlib
import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm
from tinymm import cli, exits, recipes
from tinymm.cli import main

ROOT = Path(tinymm.__file__).parents[1]
COMMANDS = {name: ["run", name] for name in recipes.available()} | {
    "predict": ["predict", "c.npz", "x"], "caption": ["caption", "x.png", "--checkpoint", "c.npz"],
    "gradcheck": ["gradcheck", "tanh"], "doctor": ["doctor"], "bench": ["bench"]}


def raised(call):
    try:
        call()
    except Exception as error:
        return error


def system(number, name=None):
    return OSError(number, os.strerror(number), name)


# error, exit status, what the line says
ERRORS = {
    "disk full": (system(errno.ENOSPC, "runs/a"), 2, f"runs/a: {os.strerror(errno.ENOSPC)}"),
    "disk full, somewhere": (system(errno.ENOSPC), 2, os.strerror(errno.ENOSPC)),
    "read-only": (system(errno.EROFS, "o"), 2, "o: "),
    "no permission": (system(errno.EACCES, b"b\xe9"), 2, "b\\udce9: "),
    "a folder": (system(errno.EISDIR, "a\nb"), 2, "a\\nb: "),
    "no folder": (system(errno.ENOTDIR, "o"), 2, "o: "),
    "long name": (raised(lambda: open("x" * 5000)), 2, "xxxx…xxxx"),
    "no such file": (system(errno.ENOENT, 3), 2, "3: "),
    "input/output": (system(errno.EIO), 2, os.strerror(errno.EIO)),
    "a library's": (OSError("not a picture"), 2, "not a"),
    "nobody reads": (system(errno.EPIPE), 2, "what was to read the output has ended"),
    "no error at all": (OSError(), 2, "OSError"),
    "JSON": (raised(lambda: json.loads("{")), 2, "line 1 column 2"),
    "not UTF-8": (raised(lambda: b"\xe9".decode()), 2, "0xe9"),
    "no Unicode": (raised(lambda: "\udce9".encode()), 2, "\\udce9"),
    "memory": (MemoryError(), 2, "out of memory"),
    "memory of NumPy": (raised(lambda: np.empty((2**31, 2**31), np.int8)), 2, "out of memory: Unable to allocate"),
    "recursion": (RecursionError("maximum recursion depth exceeded"), 2, "nested too deeply"),
    "overflow": (raised(lambda: 1e300 ** 2), 2, ": Numerical result"),
    "division": (raised(lambda: 1 / 0), 2, "division by zero"),
    "linear algebra": (raised(lambda: np.linalg.inv(np.zeros((2, 2)))), 2, "Singular matrix"),
    "an extra": (ImportError("needs pillow"), 2, "needs pillow"),
    "end of file": (EOFError("cut short"), 2, "cut short"),
    "threads": (RuntimeError("can't start new thread"), 2, "can't start new thread"),
    "bad input": (ValueError("--epochs: must be at least 1; got 0"), 2, "--epochs: must be at least 1; got 0"),
    "hostile input": (ValueError("\x1b[31m" + 10**6 * "long "), 2, "\\x1b[31mlong long"),
    "diverged": (FloatingPointError("fit: the loss is nan"), 1, "the training diverged: fit: the loss is nan"),
    "Ctrl-C": (KeyboardInterrupt(), 130, "interrupted"),
    **{kind.__name__: (kind("wrong"), 1, f"a fault of tinymm itself, please report it: {kind.__name__}: ")
       for kind in (TypeError, AttributeError, KeyError, IndexError, NameError, AssertionError, RuntimeError)},
}


@pytest.fixture
def fail(monkeypatch):
    """fail(error): from now on every command raises it."""
    def make(error):
        def call(**options):
            raise error

        def parse_args(self, words):
            options = parse(self, words)
            options.call = call
            return options

        monkeypatch.setattr(cli._Parser, "parse_args", parse_args)

    parse = cli._Parser.parse_args
    return make


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_every_kind_of_error_of_every_command_is_one_line(words, fail, capsys):
    for kind, (error, status, text) in ERRORS.items():
        fail(error)
        assert main(words) == status, kind
        told = capsys.readouterr()
        line = told.err.removeprefix("\n")
        assert told.out == "" and line.startswith("tinymm: ") and text in line, kind
        assert line.count("\n") == 1 and line.endswith("\n") and len(line) < 1100, kind
        assert line[:-1].isprintable(), kind


@pytest.mark.parametrize("place", range(4))
def test_debug_shows_the_traceback_wherever_it_stands(place, fail, capsys):
    fail(ERRORS["JSON"][0])
    words = ["run", "captioning", "--epochs=1"]
    assert main([*words[:place], "--debug", *words[place:]]) == 2
    told = capsys.readouterr().err
    assert told.startswith("Traceback") and "JSONDecodeError" in told
    assert told.splitlines()[-1].startswith("tinymm: Expecting")


def test_what_is_wrong_with_the_words_is_one_line(capsys):
    for words in ([], ["nothing"], ["run"], ["run", "nothing"], ["run", "captioning", "--epochs", "x" * 10**4],
                  ["predict"], ["doctor", "--repeats", "\x1b[31m"], ["run", "captioning", "--nonsense\n"],
                  *(["run", name, option, ""] for name in recipes.available() for option in ("--data", "--out")),
                  ["predict", ""], ["caption", "x.png", "--checkpoint", ""], ["caption", "", "--checkpoint", "c"],
                  ["caption", "x.png", "--checkpoint", "c", "--out", ""], ["predict", "c", "--table", ""]):
        with pytest.raises(SystemExit) as stop:
            main(words)
        line = capsys.readouterr().err
        assert stop.value.code == 2 and line.count("\n") == 1 and len(line) < 1100, words
        assert line.startswith("tinymm: ") and line[:-1].isprintable() and "--help explains" in line, words


@pytest.mark.parametrize("words", [["gradcheck", "tanh", "--html"], ["bench", "engine", "--json"],
                                   ["bench", "engine", "--out"]])
def test_an_empty_name_is_no_place_to_write_to(words, capsys):
    assert main([*words, ""]) == 2
    assert "empty name" in capsys.readouterr().err


@given(st.text(max_size=50), st.integers(0, 3000))
def test_a_message_is_one_line_whatever_it_holds(text, length):
    line = exits.one_line(text + "y" * length + " z" * length)
    assert len(line) <= 1000 and len(line.splitlines()) <= 1 and max(map(len, line.split(" "))) <= 200
    assert not any(c < " " for c in line.encode("utf-8").decode())


# A process of its own --------------------------------------------------------------------------------------------


def started(folder, *words, script=False, **options):
    """The command in a process, finding its modules in `folder` first; as a console script or as `python -m tinymm`."""
    where = [sys.executable, "-m", "tinymm"]
    if script:
        (folder / "tinymm").write_text("import re, sys\nfrom tinymm.cli import program\nsys.exit(program())\n")
        where = [sys.executable, str(folder / "tinymm")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)]), "TINYMM_CORETYPE": "off"}
    return subprocess.run([*where, *words], env=environment | options.pop("env", {}), cwd=folder, text=True,
                          capture_output=True, timeout=60, **options)


START = {
    "Ctrl-C": ("import os, signal; os.kill(os.getpid(), signal.SIGINT)", 130, "interrupted"),
    "not there": ("raise ImportError('no NumPy')", 2, "no NumPy"), "memory": ("raise MemoryError", 2, "out of memory"),
    "system": ("open('nowhere/x')", 2, "nowhere/x: "), "fault": ("None.x", 1, "a fault of tinymm itself"),
}


@pytest.mark.skipif(os.name != "posix", reason="sends a signal")
@pytest.mark.parametrize("script", [False, True], ids=["python -m", "script"])
@pytest.mark.parametrize("code, status, text", START.values(), ids=START)
def test_from_the_first_import_on(code, status, text, script, tmp_path):
    """NumPy is what is imported first; here it fails."""
    (tmp_path / "numpy").mkdir()
    (tmp_path / "numpy" / "__init__.py").write_text(
        f"import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n{code}\n")
    done = started(tmp_path, "doctor", script=script)
    assert (done.returncode, done.stdout) == (status, "")
    assert text in done.stderr and done.stderr.strip().count("\n") == 0 and "Traceback" not in done.stderr
    if script:
        done = started(tmp_path, "--debug", "doctor", script=script)
        assert done.returncode == status and "Traceback" in done.stderr and text in done.stderr.splitlines()[-1]


def test_only_the_command_is_watched(tmp_path):
    (tmp_path / "other.py").write_text("import tinymm.exits; None.x")
    done = subprocess.run([sys.executable, str(tmp_path / "other.py"), "tinymm"], capture_output=True, text=True,
                          env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert done.returncode == 1 and "Traceback" in done.stderr


PRINTING = """\
import sys
from argparse import Namespace
from tinymm import cli
words = "a caf\\udce9, é, 猫\\n" * 20000
cli._parser = lambda: Namespace(parse_args=lambda _: Namespace(call=lambda: print(words)))
sys.exit(cli.program())
"""


@pytest.mark.skipif(os.name != "posix", reason="pipes and /dev/full")
@pytest.mark.parametrize("output, text", [("pipe", "what was to read the output has ended"),
                                          ("/dev/full", os.strerror(errno.ENOSPC))])
def test_output_that_nobody_takes(output, text, tmp_path):
    if output == "pipe":
        read, write = os.pipe()
        os.close(read)
    else:
        write = os.open(output, os.O_WRONLY)
    done = subprocess.run([sys.executable, "-c", PRINTING], stdout=write, stderr=subprocess.PIPE, text=True,
                          env=os.environ | {"PYTHONPATH": str(ROOT), "TINYMM_CORETYPE": "off"})
    os.close(write)
    assert done.returncode == 2 and done.stderr == f"tinymm: {text}\n"


def test_a_terminal_of_another_encoding_shows_escapes(tmp_path):
    done = subprocess.run([sys.executable, "-c", PRINTING], capture_output=True,
                          env=os.environ | {"PYTHONPATH": str(ROOT), "TINYMM_CORETYPE": "off",
                                            "PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"a caf\\udce9, \\xe9, \\u732b\n")
