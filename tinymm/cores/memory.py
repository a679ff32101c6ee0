"""Memory for intermediate results that is used again instead of returned to the system.

Fresh memory is expensive: the system clears it page by page when it is first touched,
which takes longer than the addition that fills it. A loop over blocks therefore borrows
its working memory here (`scratch`), and leaves it for the next loop. A large array that
outlives the loop (`recycled`) leaves its memory when nobody holds it any more.
"""

import math
import os
import threading
import weakref
from collections import deque
from contextlib import contextmanager, suppress

import numpy as np

__all__ = ["give_back", "recycled", "scratch"]

KEPT = 4  # how many pieces of memory are kept: the largest
LINE = 64  # bytes in a line of the cache; every array begins at one
SCRATCH = 2**25  # bytes of a piece that is kept, at most
RECYCLED = 2**28  # bytes that are kept at most for `recycled`
_free = []
_lock = threading.Lock()
_left = deque()  # what arrays have left; without a lock, since an array may die while its own thread holds one


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
        if memory.size < used <= SCRATCH:
            memory = np.empty(used + LINE, np.uint8)  # enough for the next one
        with _lock:
            _free.append(memory)
            _free.sort(key=len)
            del _free[:-KEPT]


def recycled(shape, dtype):
    """Like np.empty, in memory that an array of the same size has left; such as what a training step keeps.

    The memory is free again when the array and all views of it are gone.

    Examples
    --------
    >>> give_back()
    >>> a = recycled((2, 3), float)
    >>> place = a.ctypes.data
    >>> del a
    >>> recycled((3, 2), float).ctypes.data == place
    True
    """
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    memory = _left_by(size)
    start = -memory.ctypes.data % LINE
    # every view holds on to this array, since its memory is not NumPy's own; when it dies, nobody uses the memory
    owner = np.frombuffer(memoryview(memory), np.uint8)
    weakref.finalize(owner, _leave, memory).atexit = False
    return owner[start:start + size].view(dtype).reshape(shape)


def _left_by(size):
    """Memory for so many bytes that an array has left, or new memory."""
    for _ in range(len(_left)):
        try:
            memory = _left.popleft()
        except IndexError:  # another thread was faster
            break
        if memory.size == size + LINE:
            return memory
        _left.append(memory)
    return np.empty(size + LINE, np.uint8)


def _leave(memory):
    """Keep the memory of an array that is gone, at most RECYCLED bytes in all."""
    _left.append(memory)
    with suppress(IndexError):  # where another thread lets go too
        while sum(memory.size for memory in list(_left)) > RECYCLED:
            _left.popleft()


def give_back():
    """Give all kept memory back to the system; the next loop allocates some again.

    Examples
    --------
    >>> give_back()
    """
    with _lock:
        _free.clear()
    _left.clear()
