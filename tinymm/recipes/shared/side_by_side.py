"""Many trainings side by side, each in a process of its own.

The threads of one process often wait for each other: the interpreter runs one at a time. As many processes as there
are cores, each with BLAS on one thread, keep all cores busy. What a process finds out it leaves in a file.
"""

import multiprocessing
import os
import signal
import sys
import time
from multiprocessing.connection import wait

import numpy as np

from ...cores.threads import one_blas_thread
from ...machine import usable_cores

__all__ = ["Countdown", "side_by_side"]

CAN_FORK = "fork" in multiprocessing.get_all_start_methods()
INTERRUPTED = 130  # the exit code of a process after Ctrl-C


def side_by_side(jobs, processes=None, pause=5.0):
    """Run some functions, several at a time, and tell now and then how far they are.

    After Ctrl-C, and when one of them fails, the others get Ctrl-C too and are waited for. Where the system cannot fork
    a process they run one after another, in this one.

    Parameters
    ----------
    jobs : dict of str to callable
        ``job(report)`` calls ``report(share)`` now and then with the share of it that is done, from 0 to 1. What it
        returns is lost.
    processes : int, optional
        How many run at a time; default: as many as there are usable cores.
    pause : float
        At most so many seconds between two tellings.

    Yields
    ------
    dict of str to float
        The share done of each that has begun; 1 only once it has ended.

    Raises
    ------
    Exception
        What a job raised.
    MemoryError
        If the system ended a process.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> folder = Path(tempfile.mkdtemp())
    >>> jobs = {name: lambda report, name=name: (folder / name).write_text(name.upper()) for name in "abc"}
    >>> *_, last = side_by_side(jobs, processes=2)
    >>> last == {"a": 1.0, "b": 1.0, "c": 1.0}, sorted(path.read_text() for path in folder.iterdir())
    (True, ['A', 'B', 'C'])
    """
    processes = usable_cores() if processes is None else processes
    if not CAN_FORK:
        yield from _one_by_one(jobs)
        return
    waiting, running, done = list(jobs.items()), {}, {}
    try:
        while waiting or running:
            while waiting and len(running) < processes:
                name, job = waiting.pop(0)
                running[name] = _Process(job)
            wait([process.sentinel for process in running.values()], pause)
            for name in [name for name, process in running.items() if process.has_ended]:
                running.pop(name).raise_error(name)
                done[name] = 1.0
            yield done | {name: min(process.share.value, 0.999) for name, process in running.items()}
    finally:
        for process in running.values():
            process.interrupt()
        for process in running.values():
            process.process.join()


def _one_by_one(jobs):
    done = {}
    for name, job in jobs.items():
        with one_blas_thread():
            job(lambda share: None)
        done[name] = 1.0
        yield dict(done)


class _Process:
    """A job in a forked process, which begins at once."""

    def __init__(self, job):
        fork = multiprocessing.get_context("fork")
        self.share = fork.Value("d", 0.0)
        self.errors, sender = fork.Pipe(duplex=False)
        self.process = fork.Process(target=self._work, args=(job, sender, os.getpid()), daemon=True)
        self.process.start()
        sender.close()
        self.sentinel = self.process.sentinel

    def _work(self, job, sender, parent):
        """In the child: the job, and what it raised to the parent."""

        def interrupt_once(*_):                                          # a terminal sends Ctrl-C to every process,
            signal.signal(signal.SIGINT, signal.SIG_IGN)                 # and the parent sends another
            raise KeyboardInterrupt

        def report(share):
            self.share.value = share
            if os.getppid() != parent:                                   # nobody waits for the result
                raise KeyboardInterrupt

        signal.signal(signal.SIGINT, interrupt_once)
        try:
            with one_blas_thread():
                job(report)
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)
        except Exception as error:
            error.__traceback__ = None
            sender.send(error)

    @property
    def has_ended(self):
        return self.process.exitcode is not None

    def raise_error(self, name):
        """Raise what the job raised; name it if its process was ended by a signal."""
        if self.process.exitcode == INTERRUPTED:
            raise KeyboardInterrupt
        if self.errors.poll():
            try:
                raise self.errors.recv()
            except EOFError:
                pass                                                     # it closed its end and sent nothing
        if self.process.exitcode < 0:
            raise MemoryError(f"{name}: its process was ended by signal {-self.process.exitcode}, perhaps for want of "
                              "memory; fewer processes need less")

    def interrupt(self):
        if self.process.is_alive():
            os.kill(self.process.pid, signal.SIGINT)


class Countdown:
    """Says how many of some trainings are done, which are going on, and how long the rest may take.

    Parameters
    ----------
    say : callable
        Takes a line of text.
    kinds : dict of str to str
        Of each training's name its kind: those of a kind take about as long.
    processes : int
        How many run at a time.
    every : float
        Seconds between two lines; whenever one ends there is a line too.
    least : float
        But no two lines within so many seconds, except the last: for trainings of less than a second.

    Examples
    --------
    >>> lines = []
    >>> countdown = Countdown(lines.append, {"a/0": "a", "a/1": "a"}, processes=1)
    >>> countdown({"a/0": 0.0})
    >>> countdown({"a/0": 1.0})
    >>> lines[0], lines[1].split(",")[0]
    ('0 of 2 trainings done, a/0 0 %', '1 of 2 trainings done')
    """

    def __init__(self, say, kinds, processes, every=20.0, least=0.0):
        self.say, self.kinds, self.processes, self.every, self.least = say, kinds, processes, every, least
        self.began, self.took, self.said, self.done, self.shares = {}, {}, -np.inf, 0, {}

    def __call__(self, shares):
        """Take note of the shares done, as `side_by_side` yields them; jobs that are not among them are as before."""
        now = time.monotonic()
        self.shares |= shares
        for name, share in shares.items():
            self.began.setdefault(name, now)
            if share == 1 and name not in self.took:
                self.took[name] = now - self.began[name]
        has_ended, silent = len(self.took) > self.done, now - self.said
        if silent < (self.least if has_ended else self.every) and len(self.took) < len(self.kinds):
            return
        self.said, self.done = now, len(self.took)
        going = [f"{name} {share:.0%}".replace("%", " %") for name, share in shares.items() if share < 1]
        seconds = self._left(self.shares, now)
        is_known = seconds is not None and self.done < len(self.kinds)
        left = [f"about {max(1, round(seconds / 60))} min left"] if is_known else []
        self.say(", ".join([f"{self.done} of {len(self.kinds)} trainings done", *going, *left]))

    def _left(self, shares, now):
        """Seconds until all are done, or None while nothing is known: each as long as others of its kind took, or as
        one of them that is a tenth done will take; else as long as the mean kind."""
        known = {}
        for name, share in shares.items():
            if share == 1:
                known.setdefault(self.kinds[name], []).append(self.took[name])
            elif share > 0.1:
                known.setdefault(self.kinds[name], []).append((now - self.began[name]) / share)
        if not known:
            return None
        means = {kind: np.mean(values) for kind, values in known.items()}
        usual = np.mean(list(means.values()))
        return sum(means.get(kind, usual) * (1 - shares.get(name, 0.0)) for name, kind in self.kinds.items()) \
            / self.processes
