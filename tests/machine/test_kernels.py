"""When the `tinymm` command sets OPENBLAS_CORETYPE, and that it is then the same process with the same arguments."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import tinymm
from tinymm.machine import Blas, Processor
from tinymm.machine.cpu import AVX512
from tinymm.machine.kernels import CHOSEN, VARIABLE, better_kernels, chosen

WIDE, NARROW = (Processor("Example 9000", "AuthenticAMD", flags)
                for flags in (AVX512 | {"avx2"}, frozenset({"avx2", "fma"})))
INTEL = Processor("Example i13", "GenuineIntel", AVX512)


@pytest.mark.parametrize("chip, bundled, kernels, expected", [
    (WIDE, True, "Haswell", "SkylakeX"), (WIDE, True, "Zen", "SkylakeX"), (WIDE, True, "Prescott", "SkylakeX"),
    (INTEL, True, "Haswell", "SkylakeX"), (WIDE, True, "SkylakeX", None), (WIDE, True, "Cooperlake", None),
    (WIDE, False, "Haswell", None), (NARROW, True, "Haswell", None), (NARROW, True, "Prescott", None),
    (WIDE, True, None, "SkylakeX"), (INTEL, True, None, None), (NARROW, True, None, None), (WIDE, False, None, None),
])
def test_only_unused_avx512_is_mended(chip, bundled, kernels, expected):
    assert better_kernels(chip, Blas("openblas", "0.3.31", bundled, kernels, 2)) == expected


def test_what_the_user_set_is_not_ours():
    assert chosen({VARIABLE: "Haswell", CHOSEN: "SkylakeX"}) is None and chosen({CHOSEN: "off"}) is None


# A machine with better kernels; "Prescott", since every processor of this family can run those.
PRETEND = """\
import os, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)                # even under nohup
from argparse import Namespace
from types import SimpleNamespace
from tinymm import cli
from tinymm.machine import kernels
kernels.better_kernels = lambda chip, library: "Prescott"
def show():
    print(os.getpid(), os.environ.get("OPENBLAS_CORETYPE"), os.environ.get("TINYMM_CORETYPE"), sys.argv[1:], flush=True)
    if "wait" in sys.argv:
        time.sleep(60)
    return 1
cli._parser = lambda: SimpleNamespace(parse_args=lambda words: Namespace(call=show))
sys.exit(cli.program())
"""


def start(words=(), **variables):
    """The pretended machine's command, with neither variable set unless given."""
    environment = {k: v for k, v in os.environ.items() if k not in (VARIABLE, CHOSEN)}
    environment |= {"PYTHONPATH": str(Path(tinymm.__file__).parents[1])} | variables
    return subprocess.Popen([sys.executable, "-c", PRETEND, *words], env=environment, text=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.skipif(os.name != "posix", reason="a process becomes another one on POSIX only")
class TestTheCommand:
    def test_starts_anew_once_and_says_so(self):
        process = start(["a b", "--x"])
        out, err = process.communicate()
        assert out == f"{process.pid} Prescott Prescott ['a b', '--x']\n"
        assert err.count("OPENBLAS_CORETYPE=Prescott") == 1 and "TINYMM_CORETYPE=off" in err
        assert process.returncode == 1

    @pytest.mark.parametrize("variables, expected",
                             [({VARIABLE: "Haswell"}, "Haswell None"), ({CHOSEN: "off"}, "None off")])
    def test_leaves_alone_what_the_user_has_set(self, variables, expected):
        out, err = start(**variables).communicate()
        assert expected in out and "OPENBLAS_CORETYPE" not in err

    def test_is_interrupted_as_ever(self):
        process = start(["wait"])
        assert "Prescott" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        assert process.returncode == 130 and "interrupted" in err and "Traceback" not in err


def test_the_command_asked_from_python_touches_nothing():
    code = f"import os; os.environ.pop({VARIABLE!r}, None); from tinymm.cli import main\n" \
           "before = dict(os.environ); main(['gradcheck']); print(before == dict(os.environ))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env=os.environ | {"PYTHONPATH": str(Path(tinymm.__file__).parents[1])})
    assert done.stdout == "True\n"
