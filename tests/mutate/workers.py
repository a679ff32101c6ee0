"""Mutants in processes of their own: one that hangs or brings its process down is noticed too, and harms nobody.

A check may use so much time of the processor (not of the clock, so that a busy machine changes no verdict) and so much
memory; Unix keeps count of both.
"""

import multiprocessing
import os
import resource
import signal
import sys
from dataclasses import dataclass, field
from multiprocessing.connection import wait

from .checks import BrokenCheck, killer_of

__all__ = ["MEMORY", "hide", "judged"]

LIMIT = 20.0  # seconds of a file of tests; the longest takes two
MEMORY = 3 << 30  # bytes: a loop that never ends may grow


def judged(mutants, examples, jobs, limit=LIMIT):
    """Yield `(mutant, killer)` as they are found; killer is None for a survivor.

    Raises
    ------
    BrokenCheck
        If a check fails on the original.
    """
    waiting = list(mutants)[::-1]
    crew = [Worker(examples, limit) for _ in range(min(jobs, len(waiting)))]
    try:
        while waiting or any(worker.mutant is not None for worker in crew):
            for worker in crew:
                if worker.mutant is None and waiting:
                    worker.give(waiting.pop())
            ready = wait([worker.pipe for worker in crew if worker.mutant is not None])
            yield from (worker.answer() for worker in crew if worker.pipe in ready)
    finally:
        for worker in crew:
            worker.stop()


@dataclass
class Worker:
    """One process and the mutant it has in hand."""

    examples: int
    limit: float
    mutant: object = None
    process: object = field(init=False)
    pipe: object = field(init=False)

    def __post_init__(self):
        self.start()

    def start(self):
        context = multiprocessing.get_context("fork")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, self.pipe, self.examples, self.limit), daemon=True)
        self.process.start()
        theirs.close()

    def give(self, mutant):
        self.mutant = mutant
        self.pipe.send(mutant)

    def answer(self):
        """(mutant, killer) of the mutant in hand; a process that is gone is replaced."""
        mutant, self.mutant = self.mutant, None
        try:
            killer = self.pipe.recv()
        except (EOFError, ConnectionResetError):
            self.process.join()
            killer = "it hangs" if self.process.exitcode == -signal.SIGPROF else "the process died"
            self.stop()
            self.start()
        if isinstance(killer, BrokenCheck):
            raise killer
        return mutant, killer

    def stop(self):
        self.process.kill()
        self.process.join()
        self.pipe.close()


def hide(package):
    """From now on, this process is as one in which the package is not installed."""
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[name]
    sys.meta_path[:] = [Without(package, finder) for finder in sys.meta_path]


@dataclass
class Without:
    """A finder of modules that does not find one package."""

    package: str
    finder: object

    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] == self.package else self.finder.find_spec(name, path, target)

    def __getattr__(self, name):
        return getattr(self.finder, name)


def serve(pipe, parents, examples, limit):
    """The worker's loop. Its output goes nowhere; Ctrl-C is its parent's business, and without a parent it ends."""
    hide("torch")  # what only PyTorch knows must be written down
    parents.close()  # the copy that a fork leaves, with which the pipe would stay open for ever
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, resource.getrlimit(resource.RLIMIT_DATA)[1]))
    sys.stdout = sys.stderr = open(os.devnull, "w")
    while True:
        try:
            mutant = pipe.recv()
        except EOFError:
            return
        try:  # when the timer runs out, SIGPROF ends the process
            pipe.send(
                killer_of(mutant, examples, beat=lambda share: signal.setitimer(signal.ITIMER_PROF, share * limit)))
        except BaseException as error:  # not the mutant's: that is caught where a check is run
            pipe.send(BrokenCheck(f"{mutant.target.name}: {type(error).__name__}: {error}"))
        signal.setitimer(signal.ITIMER_PROF, 0)
