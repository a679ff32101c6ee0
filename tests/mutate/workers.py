"""Mutants in processes of their own: one that hangs or brings its process down is noticed too, and harms nobody."""

import multiprocessing
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from multiprocessing.connection import wait

from .checks import BrokenCheck, killer_of

try:
    import resource
except ImportError:  # not a Unix
    resource = None

__all__ = ["judged"]

LIMIT = 20.0  # seconds that one check may take; the longest, a file of tests, takes two
MEMORY = 3 << 30  # bytes a worker may ask for: a loop that never ends may grow


def judged(mutants, examples, jobs, limit=LIMIT):
    """Yield `(mutant, killer)` as they are found; killer is None for a survivor.

    Raises
    ------
    BrokenCheck
        If a check fails on the original.
    """
    waiting = list(mutants)[::-1]
    crew = [Worker(examples) for _ in range(min(jobs, len(waiting)))]
    try:
        while waiting or any(worker.mutant is not None for worker in crew):
            for worker in crew:
                if worker.mutant is None and waiting:
                    worker.give(waiting.pop())
            wait([worker.pipe for worker in crew if worker.mutant is not None], timeout=1.0)
            for worker in crew:
                for answer in worker.answers(limit):
                    yield answer
    finally:
        for worker in crew:
            worker.stop()


@dataclass
class Worker:
    """One process, the mutant it has in hand, and when it was last heard of."""

    examples: int
    mutant: object = None
    heard: float = 0.0
    process: object = field(init=False)
    pipe: object = field(init=False)

    def __post_init__(self):
        self.start()

    def start(self):
        method = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
        context = multiprocessing.get_context(method)
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, self.examples), daemon=True)
        self.process.start()
        theirs.close()

    def give(self, mutant):
        self.mutant, self.heard = mutant, time.monotonic()
        self.pipe.send(mutant)

    def answers(self, limit):
        """What has come of the mutant in hand: nothing yet, or (mutant, killer)."""
        try:
            while self.mutant is not None and self.pipe.poll():
                self.heard = time.monotonic()
                answer = self.pipe.recv()
                if isinstance(answer, BrokenCheck):
                    raise answer
                if answer != "beat":
                    mutant, self.mutant = self.mutant, None
                    yield mutant, answer[0]
                    return
            if self.mutant is not None and time.monotonic() - self.heard > limit:
                yield from self.replaced("it hangs")
        except (EOFError, ConnectionResetError):
            yield from self.replaced("the process died")

    def replaced(self, reason):
        mutant, self.mutant = self.mutant, None
        self.stop()
        self.start()
        yield mutant, reason

    def stop(self):
        self.process.kill()
        self.process.join()
        self.pipe.close()


def serve(pipe, examples):
    """The worker's loop. Its output goes nowhere; Ctrl-C is its parent's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if resource is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, resource.getrlimit(resource.RLIMIT_DATA)[1]))
    sys.stdout = sys.stderr = open(os.devnull, "w")
    while True:
        try:
            mutant = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send((killer_of(mutant, examples, beat=lambda: pipe.send("beat")),))
        except BaseException as error:  # not the mutant's: that is caught where a check is run
            pipe.send(BrokenCheck(f"{mutant.target.name}: {type(error).__name__}: {error}"))
