"""Asks the tests of a room about mutants: those tests alone that run the changed function, each mutant in a child.

pytest collects the tests once. In one child they run on the source as it is, while it is noted which functions each
test calls. Then every mutant gets a child of its own, which ends with the first test that fails. So nothing that a
mutant does outlives it, and a mutant that hangs is killed. The tests do without PyTorch: what only PyTorch knows must
be written down in them.
"""

import multiprocessing
import os
import resource
import signal
import sys
import threading
import time
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import wait
from pathlib import Path

import hypothesis
import pytest
from hypothesis import Phase

import tinymm
from tinymm.testing import strategies

from .checks import IN_THIS_PROCESS, BrokenCheck, FirstFailureCounts
from .install import compiled, installed
from .rooms import ROOMS
from .workers import MEMORY, hide

__all__ = ["judged_by_tests", "paths_of"]

TESTS = Path(__file__).resolve().parents[1]
PACKAGE = Path(tinymm.__file__).parent
DEFAULTS = "test_defaults.py"  # reads signatures: it finds changed defaults, and runs nothing
HANGS = {-signal.SIGPROF: "it hangs", -signal.SIGALRM: "it hangs"}
fork = multiprocessing.get_context("fork")


def paths_of(room):
    """The folders with a room's tests and examples, and the file about defaults."""
    return [*(TESTS / folder for folder in ROOMS[room]), TESTS / DEFAULTS, PACKAGE / room]


def judged_by_tests(mutants, paths, jobs, patience=(5.0, 4.0)):
    """Yield `(mutant, killer)`, where killer is the name of a test that fails, None for a survivor.

    A test may use so many seconds of the processor, and so many times what it takes on the source as it is: `patience`.

    Raises
    ------
    BrokenCheck
        If the tests cannot be collected.
    """
    if not mutants:
        return
    ours, theirs = fork.Pipe(duplex=False)
    host = fork.Process(target=serve, args=(theirs, mutants, paths, jobs, patience))
    host.start()
    theirs.close()
    try:
        while True:
            k, killer = ours.recv()
            if isinstance(killer, BrokenCheck):
                raise killer
            yield mutants[k], killer
    except EOFError:
        host.join()
    finally:
        host.terminate()


def serve(pipe, mutants, paths, jobs, patience):
    """The process that hosts pytest; its output goes nowhere."""
    silence()
    hide("torch")
    strategies.settings = partial(hypothesis.settings, phases=(Phase.generate,))  # no smaller example is looked for
    arguments = [*IN_THIS_PROCESS[1:], "-s", "--doctest-modules", "--import-mode=importlib", *map(str, paths)]
    court = Court(pipe, mutants, jobs, patience)
    status = pytest.main(arguments, plugins=[FirstFailureCounts, court])
    if not court.has_sat:
        pipe.send((0, BrokenCheck(f"the tests of {', '.join(path.name for path in paths)} cannot be collected: "
                                  f"{court.complaint or status}")))


def silence():
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    sys.stdout = sys.stderr = open(os.devnull, "w")


@dataclass
class Run:
    """What one test does on the source as it is."""

    seconds: float = 0.0
    passed: bool = False
    functions: set = field(default_factory=set)  # (file, qualified name)


class Court:
    """A plugin of pytest that judges mutants instead of running the tests."""

    def __init__(self, pipe, mutants, jobs, patience):
        self.pipe, self.mutants, self.jobs, self.patience = pipe, mutants, jobs, patience
        self.has_sat, self.complaint = False, ""
        self.files = {str(mutant.target.path) for mutant in mutants}
        self.failed = self.skipped = False  # the test that runs now
        self.shared = {}  # fixture made for several tests -> functions called while it was made
        self.calls = set()

    def pytest_collectreport(self, report):
        if report.failed:
            self.complaint = str(report.longrepr)

    def pytest_runtest_logreport(self, report):
        self.failed |= report.failed
        self.skipped |= report.skipped

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef):
        before = set(self.calls)
        result = yield
        if fixturedef.scope != "function":
            self.shared.setdefault(fixturedef.argname, set()).update(self.calls - before)
        return result

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        if self.complaint:
            return True
        self.items = session.items
        session.config._tmp_path_factory.getbasetemp()  # one folder for all children
        self.runs = next(iter(self.in_children([self.on_the_source])))[1]
        if not isinstance(self.runs, list):
            self.complaint = f"on the source as it is, {self.runs}"
            return True
        self.lethal = {}  # target -> the tests, by number, that have noticed one of its mutants
        works = (partial(self.killer, mutant) for mutant in self.mutants)
        for k, answer in self.in_children(works):
            if isinstance(answer, int):
                self.lethal.setdefault(self.mutants[k].target, set()).add(answer)
                answer = self.items[answer].nodeid
            self.pipe.send((k, answer))
        self.has_sat = True
        return True

    def in_children(self, works):
        """Yield `(number, answer)` of each piece of work as it is done, so many at a time as there are jobs."""
        works, running = enumerate(works), {}
        while True:
            for k, work in works:
                ours, theirs = fork.Pipe(duplex=False)
                child = fork.Process(target=answer_to, args=(theirs, work))
                child.start()
                theirs.close()
                running[ours] = k, child
                if len(running) >= self.jobs:
                    break
            if not running:
                return
            for ours in wait(running):
                k, child = running.pop(ours)
                try:
                    answer = ours.recv()
                except EOFError:
                    child.join()
                    answer = HANGS.get(child.exitcode, "the process died")
                child.join()
                ours.close()
                yield k, answer

    def on_the_source(self):
        """A `Run` for every test."""
        def note(frame, *_):
            """Of each call, and of no line in it: it returns no function for those."""
            self.calls.add((frame.f_code.co_filename, frame.f_code.co_qualname))

        runs = []
        threading.settrace(note)
        for item, following in zip(self.items, [*self.items[1:], None]):
            self.calls, began = set(), time.process_time()
            sys.settrace(note)
            passed = self.passes(item, following)
            sys.settrace(None)
            runs.append(Run(time.process_time() - began, passed and not self.skipped, self.of_interest(self.calls)))
        for item, run in zip(self.items, runs):
            for fixture in getattr(item, "fixturenames", ()):
                run.functions |= self.of_interest(self.shared.get(fixture, ()))
        return runs

    def of_interest(self, calls):
        """Of all functions called those in the files of the mutants; what runs inside one belongs to it."""
        return {(file, name.partition(".<locals>")[0]) for file, name in calls if file in self.files}

    def passes(self, item, following=None):
        self.failed = self.skipped = False
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        return not self.failed

    def killer(self, mutant):
        """The number of the first test that fails, or None."""
        target = mutant.target
        changed = compiled(mutant)
        of_defaults = [k for k, item in enumerate(self.items) if changed.defaults and item.path.name == DEFAULTS]
        with installed(target, changed):
            for k in dict.fromkeys([*of_defaults, *self.order(target)]):
                seconds = self.patience[0] + self.patience[1] * self.runs[k].seconds
                signal.setitimer(signal.ITIMER_PROF, seconds)
                signal.setitimer(signal.ITIMER_REAL, 10 * seconds)  # one that sleeps for ever
                if not self.passes(self.items[k]):
                    return k
        return None

    def order(self, target):
        """The tests that run a function: those that have noticed another mutant of it; then those of the file of the
        same name; then file by file, the quickest first."""
        place = str(target.path), target.qualname
        reached = [k for k, run in enumerate(self.runs) if run.passed and place in run.functions]
        known = sorted(self.lethal.get(target, ()), key=lambda k: self.runs[k].seconds)
        files = {}
        for k in reached:
            path = self.items[k].path
            files[path] = files.get(path, 0.0) + self.runs[k].seconds
        own = f"test_{target.file}.py", f"{target.file}.py"
        rest = sorted(reached, key=lambda k: (self.items[k].path.name not in own, files[self.items[k].path],
                                              self.runs[k].seconds))
        return dict.fromkeys([*known, *rest])


def answer_to(pipe, work):
    """In a child: do the work and send what it returns."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, resource.getrlimit(resource.RLIMIT_DATA)[1]))
    for name in (signal.SIGPROF, signal.SIGALRM):
        signal.signal(name, signal.SIG_DFL)
    try:
        answer = work()
    except BaseException as error:
        answer = f"{type(error).__name__}: {error}"
    for timer in (signal.ITIMER_PROF, signal.ITIMER_REAL):
        signal.setitimer(timer, 0)
    pipe.send(answer)
    pipe.close()
    os._exit(0)  # threads that a mutant has left behind do not keep it
