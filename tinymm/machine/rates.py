"""How fast this machine multiplies matrices and copies memory: the two rates that bound what a formula costs.

Also a program of its own, which imports nothing but NumPy, so that the same can be measured in a process with other
kernels, or with one thread:

    python rates.py THREADS
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

__all__ = ["bandwidth", "gemm_rate"]

SIDE = 1536  # rows and columns of the matrices: large enough for the full rate, quick enough on one slow core
MEGABYTES = 128  # copied at a time: more than any cache holds
SECONDS = 0.25  # how long to repeat each


def gemm_rate(dtype=np.float32, side=SIDE, seconds=SECONDS):
    """Operations per second of a product of square matrices: 2 n³ of them, multiplications and additions.

    Parameters
    ----------
    dtype : floating dtype
    side : int
        n.
    seconds : float
        How long to repeat it; the fastest product counts, since every disturbance makes one slower.

    Returns
    -------
    float

    Examples
    --------
    >>> gemm_rate(side=64, seconds=0.0) > 0
    True
    """
    a, b = np.random.default_rng(0).standard_normal((2, side, side)).astype(dtype)
    out = np.empty_like(a)
    return 2 * side**3 / best_time(lambda: np.matmul(a, b, out=out), seconds)


def bandwidth(threads=1, megabytes=MEGABYTES, seconds=SECONDS):
    """Bytes per second between processor and memory while an array is copied: each of its bytes is read and written.

    Parameters
    ----------
    threads : int
        Among which the array is divided.
    megabytes : int
        The array's size.
    seconds : float
        How long to repeat it; the fastest copy counts.

    Returns
    -------
    float

    Examples
    --------
    >>> bandwidth(megabytes=1, seconds=0.0) > 0
    True
    """
    source = np.ones(megabytes * 2**20, np.uint8)
    target = np.zeros_like(source)
    targets = np.array_split(target, threads)
    sources = np.array_split(source, threads)
    with ThreadPoolExecutor(threads) as pool:  # NumPy releases the interpreter's lock while it copies
        def copy():
            return list(pool.map(np.copyto, targets, sources))

        return 2 * source.nbytes / best_time(copy, seconds)


def best_time(run, seconds):
    """The time of the fastest of several runs, after one to warm up."""
    run()
    best = float("inf")
    end = time.perf_counter() + seconds
    while best == float("inf") or time.perf_counter() < end:
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return best


if __name__ == "__main__":
    print(json.dumps({"float32": gemm_rate(np.float32), "float64": gemm_rate(np.float64),
                      "memory": bandwidth(int(sys.argv[1]))}))
