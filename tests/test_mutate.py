"""`python -m tests.mutate` on ops made for the test: what it rewrites, what it finds out, what it remembers."""

import importlib.util
import itertools
import json
import sys

import pytest

import tinymm as tm
import tinymm.testing.specs  # noqa: F401  (imported only once: its rows must be among those that stay)

pytest.importorskip("resource")  # the workers need a Unix

from .mutate import workers
from .mutate.__main__ import main
from .mutate.mutants import mutants_of
from .mutate.targets import targets_in

pytestmark = pytest.mark.filterwarnings("ignore:This process")  # Python 3.12 warns of fork where BLAS keeps threads
HEAD = """
import numpy as np
from tinymm.autograd import op
from tinymm.testing import spec
from tinymm.testing.strategies import arrays, calls
"""
SQUARE = HEAD + """
@op
def squared(x):
    return x * x

@squared.vjp
def squared_vjp(g, x):
    return 2 * g * x
"""
GOOD = SQUARE + """
spec("squared", lambda: calls(arrays()), reference=np.square)
"""
WEAK = SQUARE + """
spec("squared", lambda: calls(arrays().map(np.ones_like)), reference=np.square, second_order=False)
"""
numbers = itertools.count()


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """toy(text) writes and imports a module of ops, which are forgotten after the test; returns its name."""
    registry, specs = dict(tm.autograd.registry), dict(tm.testing.SPECS)

    def write(text):
        name = f"toy_{next(numbers)}"
        path = tmp_path / f"{name}.py"
        path.write_text(text, "utf-8")
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        return name

    yield write
    for table, before in ((tm.autograd.registry, registry), (tm.testing.SPECS, specs)):
        table.clear()
        table.update(before)


@pytest.fixture
def mutate(tmp_path):
    """mutate(module, equivalents, *options): the command's exit status."""
    def run(module, equivalents=(), *options):
        return main(["--notebook", str(tmp_path / "verdicts.jsonl"), "--examples", "2", *options],
                    (module,), equivalents)

    return run


def lines_of(module):
    return {mutant.line for target in targets_in((module,)) for mutant in mutants_of(target)}


def test_every_mutant_of_a_product(toy):
    module = toy(HEAD + """
@op
def times(a, b):
    return a * b

@times.vjp
def times_vjp(g, a, b):             # g b, g a
    return g * b, lambda: g * a
""")
    assert lines_of(module) == {
        "return g / b, lambda: g * a", "return b, lambda: g * a", "return g * b, lambda: g / a",
        "return g * b, lambda: a", "return g * b, lambda: g", "return g * a, lambda: g * a",
        "return g * b, lambda: g * b", "return (g, lambda: g * a)", "return (None, lambda: g * a)", "return (g * b, g)",
        "return (g * b, None)", "return (lambda: g * a, g * b)"}


def test_mutants_of_everything_else(toy):
    """One formula with a bit of each: transposes, axes, keepdims, comparisons, constants,
    statements, helpers, composites."""
    module = toy(HEAD + """
@op
def odd(x, axis):
    return x

@odd.vjp
def odd_vjp(g, x, axis):
    \"\"\"Not mathematics: 1 + 1.\"\"\"
    if x.ndim > 9:
        raise ValueError(f"odd: {1 + 1}")
    if not axis:
        return g[..., ::-1]
    g -= helper(x, 0.5)
    return np.where(x > 0, g.mT, -g).sum(axis, keepdims=True)

@odd.composite
def odd_composite(x, axis):
    return x ** 2

def helper(x, s):
    return x if s < 1 else s

def unrelated(x):
    return x + 1
""")
    found = lines_of(module)
    assert found >= {
        "if True:", "if False:", "if axis:", "return g", "return g[..., :]", "return g[..., ::1]",
        "return g[..., ::-2]", "g += helper(x, 0.5)", "pass # g -= helper(x, 0.5)", "g -= helper(x, 1.0)",
        "g -= helper(0.5, x)", "g -= x", "return np.where(x >= 0, g.mT, -g).sum(axis, keepdims=True)",
        "return np.where(x > 0, g, -g).sum(axis, keepdims=True)",
        "return np.where(x > 0, -g, g.mT).sum(axis, keepdims=True)",
        "return np.where(x > 0, g.mT, g).sum(axis, keepdims=True)",
        "return np.where(x > 1, g.mT, -g).sum(axis, keepdims=True)", "return np.where(x > 0, g.mT, -g).sum(axis)",
        "return np.where(x > 0, g.mT, -g).sum(axis, keepdims=False)",
        "return np.where(x > 0, g.mT, -g).sum(0, keepdims=True)",
        "return np.where(x > 0, g.mT, -g).mean(axis, keepdims=True)", "return x ** 3", "return 2 ** x", "return x",
        "return x if s <= 1 else s", "return s"}
    assert not [line for line in found
                if "ValueError" in line or "mathematics" in line or "+ 1" in line or "> 9" in line]


def test_functions_around_ops_are_rewritten_and_what_stands_in_another_module(toy, monkeypatch):
    """Not the forward of an op: its values are what the rows compare."""
    inner = toy(HEAD + """
@op
def twice(x):
    return 2 * x

@twice.vjp
def twice_vjp(g):
    return Scale.of(3) * g

class Scale:
    @classmethod
    def of(cls, n):
        return n - 1

def shown(x):
    return x * 1.0
""")
    outer = toy(HEAD + f"""
import sys
inner = sys.modules["{inner}"]

def four_times(x):
    return inner.twice(inner.twice(inner.shown(x)))

def unrelated(x):
    return x + 1

spec("twice", lambda: calls(arrays()), reference=lambda x: 4 * x, function=four_times)
""")
    targets = {target.name: target for target in targets_in((inner, outer))}
    assert set(targets) == {f"{inner}.twice_vjp", f"{inner}.Scale.of", f"{inner}.shown", f"{outer}.four_times"}
    assert all(target.ops == ("twice",) for target in targets.values())
    assert {m.line for m in mutants_of(targets[f"{inner}.Scale.of"])} == {
        "return n + 1", "return n", "return -1", "return 1 - n", "return n - 2", "return n - 0", "return cls"}


def test_a_decorated_function_is_rewritten_under_its_decorator(toy):
    module = toy(HEAD + """
from contextlib import contextmanager

@op
def same(x):
    return x

@same.vjp
def same_vjp(g):
    with doubled(g) as d:
        return d / 2

@contextmanager
def doubled(g):
    yield 2 * g

spec("same", lambda: calls(arrays()), reference=lambda x: x)
""")
    target, = (target for target in targets_in((module,)) if target.qualname == "doubled")
    assert target.function.__code__.co_name == "doubled"


def test_what_a_cache_remembers_is_forgotten(toy, mutate, capsys):
    """Not only the checks that run first see the mutant, and none that comes later sees one that is gone."""
    module = toy(HEAD + """
from functools import cache

@op
def same(x):
    return x

@same.vjp
def same_vjp(g):
    return g * one(g.dtype)

@cache
def one(dtype):
    return np.array([1, 5], dtype)[0]

spec("same", lambda: calls(arrays()), reference=lambda x: x)
""")
    assert f"{module}.one" in {target.name for target in targets_in((module,))}
    assert mutate(module) in (0, 1)                                     # and not 2: the originals pass every check
    said = capsys.readouterr().out
    assert "\n+    return np.array([1, 5], dtype)[-1]" not in said and "\n+    return g * " not in said


def test_a_good_row_kills_every_mutant(toy, mutate, capsys):
    assert mutate(toy(GOOD)) == 0
    said = capsys.readouterr().out
    assert "100.0%" in said and "stale" not in said


def test_a_weak_row_lets_one_survive_and_the_diff_shows_it(toy, mutate, capsys):
    assert mutate(toy(WEAK)) == 1
    said = capsys.readouterr().out
    assert "-    return 2 * g * x\n+    return 2 * g\n" in said
    assert "squared_vjp: drop a factor; checks of squared" in said


def test_a_survivor_may_be_declared_equivalent_and_an_entry_goes_stale(toy, mutate, capsys):
    module = toy(WEAK)
    entries = [(f"{module}.squared_vjp", line, "at one")
               for line in ("return 2 * g", "return 2 * g / x", "return 2 * g * g")]
    assert mutate(module, entries[:2]) in (0, 1)
    said = capsys.readouterr().out
    assert "+    return 2 * g\n" not in said and "+    return 2 * g / x\n" not in said and "stale" not in said
    assert mutate(module, [*entries, (f"{module}.squared_vjp", "return 2 * x", "wrong")]) == 1
    said = capsys.readouterr().out
    assert "'return 2 * g * g' matches no mutant" in said and "'return 2 * x' is killed by " in said


def test_verdicts_are_remembered(toy, mutate, tmp_path, capsys):
    module, file = toy(GOOD), tmp_path / "verdicts.jsonl"
    mutate(module)
    lines = file.read_text("utf-8").splitlines()
    assert json.loads(lines[0])["target"] == f"{module}.squared_vjp"
    file.write_text("\n".join(lines[:-2]) + '\n{"key": "cut', "utf-8")  # as if stopped there
    capsys.readouterr()
    mutate(module)
    assert "2 of them run now" in capsys.readouterr().out
    mutate(module)
    assert "0 of them run now" in capsys.readouterr().out
    mutate(module, (), "--fresh")
    assert f"{len(lines)} of them run now" in capsys.readouterr().out


def test_a_mutant_that_hangs_is_noticed(toy, mutate, capsys):
    module = toy(HEAD + """
@op
def same(x):
    return x

@same.vjp
def same_vjp(g):
    n = 3
    while n > 0:
        n -= 1
    return g

spec("same", lambda: calls(arrays()), reference=lambda x: x)
""")
    targets = targets_in((module,))
    hanging = [m for target in targets for m in mutants_of(target) if m.line.startswith("pass # n -= 1")]
    assert list(workers.judged(hanging, 2, 1, limit=0.5)) == [(hanging[0], "it hangs")]


def test_a_worker_ends_with_its_parent():
    worker = workers.Worker(2, 1.0)
    worker.pipe.close()  # as when the parent is killed
    worker.process.join(20)
    assert worker.process.exitcode == 0


def test_a_check_that_fails_anyway_stops_the_run(toy, mutate, capsys):
    assert mutate(toy(WEAK.replace("np.square,", "np.negative,"))) == 2
    assert "fails on the source as it is" in capsys.readouterr().err


def test_wrong_usage(mutate, capsys):
    assert main(["sofmax"]) == 2
    assert "no file and no op is called 'sofmax'; is it softmax" in capsys.readouterr().err
    assert main(["--list", "softmax"]) == 0
    assert "softmaxes.py: flip the sign" in capsys.readouterr().out
