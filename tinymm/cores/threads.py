"""A loop over independent items, divided among the cores.

NumPy releases the interpreter's lock inside its loops and products, so plain threads
run at the same time. Meanwhile BLAS is held to one thread each (threadpoolctl, extra
`threads`); without that package the loop runs as one, and BLAS alone uses the cores.
"""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from functools import cache

__all__ = ["parallel_for"]

ENOUGH = 20e6  # multiplications: several times as many as a core does while it wakes another and waits for it
_one_loop_at_a_time = threading.Lock()
_inside = ContextVar("inside a share of a loop", default=False)


def parallel_for(n, body, work):
    """body(start, stop) for stretches that make up range(n), one for each thread BLAS would use.

    A loop inside a share of another loop runs as one stretch: the cores are taken.

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
    with _one_loop_at_a_time:
        count = min(n, max((library.num_threads for library in blas.lib_controllers), default=1))
        cuts = [n * k // count for k in range(count + 1)]

        def share(k):
            outside = _inside.set(True)
            try:
                return body(cuts[k], cuts[k + 1])
            finally:
                _inside.reset(outside)

        with blas.limit(limits=1):
            others = [_crew(count - 1).submit(copy_context().run, share, k) for k in range(1, count)]
            try:
                first = share(0)
            finally:
                for other in others:
                    other.exception()  # waits for it
    return [first, *(other.result() for other in others)]


@cache
def _crew(size):
    """Threads that wait for work: to wake one takes less time than to start one."""
    return ThreadPoolExecutor(size, thread_name_prefix="tinymm")


if hasattr(os, "register_at_fork"):  # the system has forks: a child gets a copy of this list of threads, but no threads
    os.register_at_fork(after_in_child=_crew.cache_clear)


@cache
def _blas():
    """The handle on BLAS's threads, or None where threadpoolctl is not installed."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return None
    return ThreadpoolController().select(user_api="blas")
