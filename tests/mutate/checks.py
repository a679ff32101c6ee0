"""Asks the checks of an op about a mutant, those that noticed others and then the cheapest first, until one notices.

Every rung of the ladder on a few drawn calls of each spec row; then the tests of the file and of its traps; then
the quickest rungs on all the calls that the test suite draws.
"""

import contextlib
import io
import os
import sys
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import Phase, settings

from tinymm.testing import RUNGS, SPECS, NotApplicable
from tinymm.testing.ladder import row_name
from tinymm.testing.strategies import for_all

from .install import Changed, compiled, installed

__all__ = ["BrokenCheck", "killer_of", "named_tests"]

TESTS = Path(__file__).resolve().parents[1]
TESTED = ("functional", "cores")  # rooms of rewritten functions, whose tests are asked
FIRST = 3  # calls on which most mutants die
IN_THIS_PROCESS = ["-x", "-n", "0", "--assert=plain", "-p", "no:cacheprovider", "-p", "no:faulthandler",
                   "-W", "ignore:Slow code in plugin",  # pytest's plugins expect to be imported first
                   "-W", "ignore:mypy_extensions"]  # where a test fails, hypothesis imports libcst, if there is one
A_RUNG = 0.2  # of the time that a test file may take
QUICK = ("directional", "value", "composite")
CHEAP = (*QUICK, "complex step", "differences", "structure", "float32", "layouts", "second complex", "taylor")
RUNGS_BY_COST = [*CHEAP, *(rung for rung in RUNGS if rung not in (*CHEAP, "PyTorch"))]


class BrokenCheck(Exception):
    """A check that fails without any mutant can say nothing about one."""


def killer_of(mutant, examples, beat=lambda share: None):
    """The name of the first check that notices a mutant, or None.

    Parameters
    ----------
    mutant : Mutant
    examples : int
        Calls drawn per row.
    beat : callable
        Called before each check, with the share of the longest time that it may take.
    """
    code = compiled(mutant)
    for name, passes in likeliest_first(mutant.target, examples):
        beat(1 if name.endswith(".py") else A_RUNG)
        if not reaches(name, passes, mutant.target):
            continue
        with installed(mutant.target, code):
            noticed = not passes()
        if noticed:
            sound(name, passes)
            lethal.setdefault(mutant.target.name, {})[name] = passes
            return name
    return None


lethal = {}  # target -> checks that have noticed one of its mutants


def likeliest_first(target, examples):
    """All checks, those first that have noticed another mutant of the target: rungs, then files of tests."""
    known = lethal.get(target.name, {})
    yield from sorted(known.items(), key=lambda check: check[0].endswith(".py"))
    yield from (check for check in checks(target, examples) if check[0] not in known)


reached = {}  # (target, check) -> whether the check runs the target's function at all


def reaches(name, passes, target):
    """Whether a check can notice any mutant of a target: not if it passes where calling the function is a way out."""
    key = target.name, name
    if key not in reached:
        with installed(target, Changed(trap.__code__)):
            try:
                reached[key] = not passes()
            except GeneratorExit:  # which nothing between here and there takes for an error of its own
                reached[key] = True
    return reached[key]


def trap(*_, **__):
    raise GeneratorExit


proven = set()  # checks that the originals pass


def sound(name, passes):
    """An error unless the original passes the check."""
    if name not in proven and not passes():
        raise BrokenCheck(f"{name} fails on the source as it is")
    proven.add(name)


def checks(target, examples):
    """(name, test of it) of every check of a target's rows."""
    yield from rungs_of(target, RUNGS_BY_COST, examples, slice(FIRST))
    for path in named_tests(target):
        yield path.name, lambda path=path: passes_file(path)
    yield from rungs_of(target, QUICK, examples, slice(FIRST, None))


def rungs_of(target, rungs, examples, span):
    """Rungs for some of the drawn calls of every row."""
    for rung in rungs:
        for op, k in target.rows:
            row = SPECS[op][k]
            for i, (call, seed) in list(enumerate(drawn(op, k, examples)))[span]:
                yield (f"{rung}, call {i} of {row_name(row, k)}",
                       lambda rung=rung, row=row, call=call, seed=seed: passes_rung(rung, row, call, seed))


@cache
def drawn(op, k, examples):
    """The calls of one row: those that the test suite draws for as many examples."""
    calls = []
    for_all(SPECS[op][k].calls(), lambda call, seed: calls.append((call, seed)), examples)
    return calls


def passes_rung(rung, row, call, seed):
    """Whether a rung has nothing to object."""
    args, kwargs = call
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            RUNGS[rung](row, args, kwargs, np.random.default_rng(seed))
        except NotApplicable:
            pass
        except Exception:
            return False
    return True


def named_tests(target):
    """The test files that speak of a target: of its own file, of the files of its ops, of traps and of emptiness."""
    if not target.module.startswith("tinymm."):
        return []
    files = dict.fromkeys([target.file, *(SPECS[op][0].calls.__module__.rpartition(".")[2] for op in target.ops)])
    return [path for name in [*files, "traps", "empty"] for room in TESTED
            for path in (TESTS / room).rglob(f"test_{name}.py")]


class FirstFailureCounts:
    """A plugin of pytest: hypothesis draws the same examples, but does not look for a smaller one that fails."""

    @staticmethod
    def pytest_sessionstart():
        phases = [phase for phase in Phase if phase not in (Phase.shrink, Phase.explain)]
        settings.register_profile("mutants", settings.get_profile("default"), phases=phases)
        settings.load_profile("mutants")


def passes_file(path):
    """Whether a test file passes, run in this process."""
    before = os.getcwd()
    os.chdir(TESTS.parent)
    try:
        with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.redirect_stderr(said):
            status = pytest.main([*IN_THIS_PROCESS, str(path)], plugins=[FirstFailureCounts])
    finally:
        os.chdir(before)
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise BrokenCheck(f"{path.name} does not run: {said.getvalue()}")
    # half of the module has been imported, and must not be taken for the whole
    if "ERROR collecting" in said.getvalue():
        for name in [name for name, module in sys.modules.items() if getattr(module, "__file__", None) == str(path)]:
            del sys.modules[name]
    return status == pytest.ExitCode.OK
