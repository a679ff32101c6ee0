"""Memory for intermediate results that is used again instead of returned to the system.

Fresh memory is expensive: the system clears it page by page when it is first touched,
which takes longer than the addition that fills it. A loop over blocks therefore borrows
its working memory here, and leaves it for the next loop.
"""

import math
import os
import threading
from contextlib import contextmanager

import numpy as np

__all__ = ["give_back", "scratch"]

KEPT = 4  # how many pieces of memory are kept: the largest
LINE = 64  # bytes in a line of the cache; every array begins at one
_free = []
_lock = threading.Lock()


def _start_afresh():
    """In a forked child: a thread that it does not have may have held the lock."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):  # where the system has forks
    os.register_at_fork(after_in_child=_start_afresh)


@contextmanager
def scratch():
    """A function like np.empty, whose arrays may be used inside the `with` only.

    Examples
    --------
    >>> with scratch() as empty:
    ...     a, b = empty((2, 3), float), empty(4, float)
    ...     a.shape, b.shape, np.shares_memory(a, b)
    ((2, 3), (4,), False)
    """
    with _lock:
        memory = _free.pop() if _free else np.empty(0, np.uint8)
    start = used = -memory.ctypes.data % LINE

    def empty(shape, dtype):
        nonlocal used
        dtype = np.dtype(dtype)
        begin = used
        end = begin + math.prod(shape if isinstance(shape, tuple) else (shape,)) * dtype.itemsize
        used = end + -(end - start) % LINE
        return memory[begin:end].view(dtype).reshape(shape) if end <= memory.size else np.empty(shape, dtype)

    try:
        yield empty
    finally:
        if used > memory.size:
            memory = np.empty(used + LINE, np.uint8)  # enough for the next one
        with _lock:
            _free.append(memory)
            _free.sort(key=len)
            del _free[:-KEPT]


def give_back():
    """Give all kept memory back to the system; the next loop allocates some again.

    Examples
    --------
    >>> give_back()
    """
    with _lock:
        _free.clear()
