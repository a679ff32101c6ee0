"""The C library's memory: what arrays leave is kept for the next ones, where the library would give it back.

A large array gets its memory from the C library and, when it dies, leaves it there. GNU's C library gives much of it
back to the system at once, which clears every page again before it hands it out: a forward pass that makes and drops
arrays of 2 MB spends a third of its time so. It can be told to keep the memory instead.
"""

import ctypes
import os

__all__ = ["keep_memory"]

# numbers of the settings in malloc.h, and the variables by which a user makes them
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
VARIABLES = {"MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES"}
LARGEST = 2**25  # bytes, the most that GNU's library allows: larger arrays go back to the system as before
KEPT = 2**30  # bytes free at the end of the heap from which on the library gives them back


def keep_memory():
    """Let the C library keep what arrays of up to 32 MB leave, until 1 GB at the end of its heap is free.

    For the whole process, until it ends.

    Returns
    -------
    bool
        Whether it does so now. Not if the user has set MALLOC_TRIM_THRESHOLD_, MALLOC_MMAP_THRESHOLD_ or
        GLIBC_TUNABLES, nor if the C library is not GNU's.

    References
    ----------
    The GNU C Library Reference Manual, "Malloc Tunable Parameters".
    """
    if VARIABLES & set(os.environ):
        return False
    try:
        library = ctypes.CDLL(None)
        if not hasattr(library, "gnu_get_libc_version"):
            return False
        return bool(library.mallopt(MMAP_THRESHOLD, LARGEST)) and bool(library.mallopt(TRIM_THRESHOLD, KEPT))
    except (OSError, TypeError):  # Windows has no library of the whole program
        return False
