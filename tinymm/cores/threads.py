"""A loop over independent items, divided among the cores.

NumPy releases the interpreter's lock inside its loops and products, so plain threads
run at the same time. Meanwhile BLAS is held to one thread each (threadpoolctl, extra
`threads`); without that package the loop runs as one, and BLAS alone uses the cores.

One loop at a time has the other cores. No loop ever waits for another: a share may
itself wait for a thread that runs a loop, and then both would wait for ever.
"""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar, copy_context
from functools import cache

__all__ = ["one_blas_thread", "parallel_for"]

ENOUGH = 20e6  # multiplications: several times as many as a core does while it wakes another and waits for it
_inside = ContextVar("inside a share of a loop", default=False)


def parallel_for(n, body, work):
    """body(start, stop) for stretches that make up range(n), one for each thread BLAS would use.

    A loop inside a share of another one runs as one stretch: the cores are taken. A loop of another thread that
    comes while the cores are taken runs its stretches one after another. They are the same stretches, so that what is
    summed over them has the same bits.

    Parameters
    ----------
    n : int
    body : callable
        Takes the half-open stretch, writes only what belongs to it.
    work : float
        How many multiplications all of it takes; a small loop is not worth a thread.

    Returns
    -------
    list
        What each call returned, in order.

    Examples
    --------
    >>> sum(parallel_for(10, lambda start, stop: sum(range(start, stop)), work=1e9))
    45
    """
    blas = _blas() if work > ENOUGH and n > 1 and not _inside.get() else None
    if blas is None:
        return [body(0, n)]

    def share(k):
        outside = _inside.set(True)
        try:
            return body(n * k // count, n * (k + 1) // count)
        finally:
            _inside.reset(outside)

    with _cores.asked_for(blas) as (threads, are_ours):
        count = min(n, threads)
        if not are_ours:
            return [share(k) for k in range(count)]
        others = [_crew(count - 1).submit(copy_context().run, share, k) for k in range(1, count)]
        try:
            first = share(0)
        finally:
            for other in others:
                other.exception()  # waits for it
    return [first, *(other.result() for other in others)]


def one_blas_thread():
    """Context manager: BLAS has one thread inside, and so has `parallel_for`. Without threadpoolctl nothing changes.

    Examples
    --------
    >>> with one_blas_thread():
    ...     parallel_for(10, lambda start, stop: (start, stop), work=1e9)
    [(0, 10)]
    """
    blas = _blas()
    return nullcontext() if blas is None else blas.limit(limits=1)


class _Cores:
    """Which loop has the cores: the first that asks, until it ends."""

    def __init__(self):
        self.lock = threading.Lock()  # held while somebody asks, never while a loop runs
        self.limit = None  # on BLAS's threads, while a loop runs
        self.threads = None  # that BLAS had before it

    @contextmanager
    def asked_for(self, blas):
        """For the time of a loop: the threads of BLAS, and whether the loop may use that many cores."""
        with self.lock:
            are_free = self.limit is None
            if are_free:
                self.threads = max((library.num_threads for library in blas.lib_controllers), default=1)
                self.limit = blas.limit(limits=1)
            threads = self.threads
        if not are_free:
            yield threads, False
            return
        try:
            with self.limit:  # threadpoolctl lets the thread that limits BLAS, and no other, end the limit
                yield threads, True
        finally:
            self.limit = None


_cores = _Cores()


@cache
def _crew(size):
    """Threads that wait for work: to wake one takes less time than to start one."""
    return ThreadPoolExecutor(size, thread_name_prefix="tinymm")


def _start_afresh():
    """In a forked child: of all threads it has the one that forked, so nobody would end a loop of the others."""
    global _cores
    _crew.cache_clear()  # a copy of the list of threads, but no threads
    limit, _cores = _cores.limit, _Cores()
    if limit is not None:
        with limit:
            pass  # its end gives BLAS the threads that it had


if hasattr(os, "register_at_fork"):  # where the system has forks
    os.register_at_fork(after_in_child=_start_afresh)


@cache
def _blas():
    """The handle on BLAS's threads, or None where threadpoolctl is not installed."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return None
    return ThreadpoolController().select(user_api="blas")
