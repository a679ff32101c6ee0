"""`python -m tests.mutate --room`: what is rewritten beside gradients, which tests judge it, and the score."""

import pytest

pytest.importorskip("resource")  # the children need a Unix

from .mutate.checks import BrokenCheck
from .mutate.install import compiled
from .mutate.mutants import mutants_of
from .mutate.report import shown_of_room, wilson
from .mutate.rooms import drawn, mutants_in
from .mutate.suite import judged_by_tests
from .mutate.targets import Target, definitions
from .test_mutate import toy  # noqa: F401  (a fixture)

pytestmark = pytest.mark.filterwarnings("ignore:This process")  # Python 3.12 warns of fork where BLAS keeps threads
ROOM = """
from contextlib import contextmanager

class Base:
    def start(self):
        return 10

class Counter(Base):
    def __init__(self, step=2):
        self.step = step

    def start(self):
        return super().start() + self.step

    @property
    def twice(self):
        return 2 * self.step

    @staticmethod
    def first(names, n=None):
        found = []
        for name in sorted(names):
            if n is not None:
                if len(found) >= n:
                    break
            found.append(name)
        return found

def adder(k):
    def add(x):
        return x + k
    return add

def numbers(n):
    for i in range(n):
        yield i

def waits(n):
    while n > 0:
        n -= 1
    return n

def unseen(x):
    return x + 1

add_three = adder(3)
"""
TESTS = """
import sys
toy = sys.modules["{module}"]

def test_counter():
    assert toy.Counter().start() == 12 and toy.Counter(3).twice == 6

def test_first():
    assert toy.Counter.first("cab") == ["a", "b", "c"] and toy.Counter.first("cab", 2) == ["a", "b"]

def test_made_before():
    assert toy.add_three(4) == 7

def test_numbers():
    assert list(toy.numbers(3)) == [0, 1, 2]

def test_waits():
    assert toy.waits(2) == 0

def test_that_needs_torch():
    import pytest
    pytest.importorskip("torch")
    assert toy.unseen(1) == 2

def test_that_fails_anyway():
    assert toy.unseen(1) == 3
"""


@pytest.fixture
def room(toy, tmp_path):  # noqa: F811
    """The mutants of a small room by function, and its tests."""
    module = toy(ROOM)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / f"test_{module}.py").write_text(TESTS.format(module=module), "utf-8")
    targets = [Target(module, name, text, (), node.lineno, node.col_offset)
               for name, (node, text) in definitions(module).items()]
    return {target.qualname: list(mutants_of(target)) for target in targets}, [tmp_path / "tests"]


def test_what_else_is_rewritten(room):
    """None, defaults, orders, loops and their ends."""
    mutants, _ = room
    lines = {name: {mutant.line for mutant in several} for name, several in mutants.items()}
    assert lines["Counter.first"] >= {
        "if n:", "for name in sorted(names, reverse=True):", "for name in names:", "pass # break",
        "for name in list(sorted(names))[1:]:", "for name in list(sorted(names))[:-1]:", "if len(found) > n:"}
    assert lines["numbers"] >= {"for i in range(n + 1):", "for i in range(n - 1):"}
    assert lines["Counter.__init__"] >= {"def __init__(self, step=3):", "self.step = 2", "pass # self.step = step"}
    assert "while False:" in lines["waits"] and "while True:" not in lines["waits"]


def test_the_tests_of_a_room_judge_its_mutants(room):
    """Methods, those that call super, properties, generators, defaults, and functions made before; a mutant that hangs;
    no test that fails anyway, and none that needs PyTorch."""
    mutants, paths = room
    several = [mutant for name in ("Base.start", "Counter.start", "Counter.__init__", "Counter.twice", "numbers",
                                   "unseen") for mutant in mutants[name]]
    several += [mutant for name in ("Counter.first", "adder", "waits") for mutant in mutants[name]
                if mutant.line in ("if n:", "if n is None:", "return x - k", "pass # n -= 1")]
    verdicts = list(judged_by_tests(several, paths, 2, patience=(2, 10)))
    assert {mutant for mutant, _ in verdicts} == set(several)
    survived = {mutant for mutant, killer in verdicts if not killer}
    assert survived == {*mutants["unseen"], *(mutant for mutant in several if mutant.line == "if n:")}
    killers = {mutant.line: killer for mutant, killer in verdicts}
    assert killers["pass # n -= 1"] == "it hangs" and killers["return x - k"].endswith("::test_made_before")


def test_a_room_whose_tests_cannot_be_read(room):
    mutants, (folder,) = room
    next(folder.iterdir()).write_text("import no_such_module", "utf-8")
    with pytest.raises(BrokenCheck, match="(?s)cannot be collected: .*no_such_module"):
        list(judged_by_tests(mutants["unseen"], [folder], 1))


def test_the_score_of_a_room_has_an_interval_and_survivors_have_reasons(room, capsys):
    mutants, _ = room
    first, *rest = mutants["Counter.first"]
    verdicts = [(first, None), *((mutant, "a test") for mutant in rest)]
    known = [(first.target.name, first.line, "speed only")]
    assert shown_of_room("toys", verdicts, 1000, known) == 0
    n = len(verdicts)
    said = capsys.readouterr().out
    assert f"{n} of 1000 mutants, {n - 1} killed" in said and "1 survived: speed only" in said
    assert shown_of_room("toys", verdicts, 1000, []) == 1
    assert "1 survived without a known reason" in (said := capsys.readouterr().out) and first.diff in said
    # Brown, Cai and DasGupta, "Interval estimation for a binomial proportion", 2001, equation 4
    assert wilson(0, 10) == pytest.approx((0, 0.2775), abs=1e-4)
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)


def test_a_draw_is_the_same_for_the_same_seed():
    everything = mutants_in("metrics", ["wer", "bleu"])
    assert drawn(everything, 30, 0) == drawn(everything, 30, 0) != drawn(everything, 30, 1)
    assert drawn(everything, 10**6, 5) == everything
    assert {mutant.target.file for mutant in mutants_in("metrics", ["wer"])} == {"wer"}
    with pytest.raises(ValueError, match="the room metrics has no file 'sgd'"):
        mutants_in("metrics", ["sgd"])


def test_every_mutant_of_a_room_can_be_made():
    for mutant in drawn(mutants_in("autograd", ["tensor", "calling", "mode"]), 150, 1):
        compiled(mutant)
