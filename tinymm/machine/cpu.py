"""The processor: its model, vector instructions, and how many of its cores this process may use."""

import math
import os
import platform
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Processor", "processor", "usable_cores"]

# What OpenBLAS's "SkylakeX" kernels are compiled for.
AVX512 = frozenset({"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"})


@dataclass(frozen=True)
class Processor:
    """What the system says about the first core; empty where it says nothing.

    Examples
    --------
    >>> Processor("Example 9000", "AuthenticAMD", frozenset({"avx2", "fma"})).vectors
    'AVX2'
    """

    model: str
    vendor: str
    flags: frozenset

    @property
    def vectors(self):
        """The widest vector instructions, as a word; empty if there is none of AVX."""
        if self.flags >= AVX512:
            return "AVX-512"
        if self.flags >= {"avx2", "fma"}:
            return "AVX2"
        return "AVX" if "avx" in self.flags else ""


def processor(path="/proc/cpuinfo"):
    """Read the system's description of the processor.

    Parameters
    ----------
    path : str or Path
        Linux's file; where there is none, the name of the architecture is all that is known.

    Returns
    -------
    Processor

    Examples
    --------
    >>> processor("/no/such/file").flags
    frozenset()
    """
    file = Path(path)
    text = file.read_text("utf-8", "replace") if file.exists() else ""
    first = text.strip().partition("\n\n")[0]  # the paragraph of core 0
    fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in first.splitlines())}
    model = fields.get("model name") or platform.machine() or "unknown"
    return Processor(model, fields.get("vendor_id", ""), frozenset(fields.get("flags", "").split()))


def usable_cores(quota="/sys/fs/cgroup/cpu.max"):
    """How many cores this process may keep busy: those it is pinned to, or fewer if its container has a quota.

    Parameters
    ----------
    quota : str or Path
        Linux's file of a container's quota, two words: microseconds of processor time (or "max") in each period, and
        the period's length in microseconds.

    Returns
    -------
    int

    Examples
    --------
    >>> usable_cores() >= 1
    True
    """
    if hasattr(os, "sched_getaffinity"):
        pinned = len(os.sched_getaffinity(0))
    else:
        pinned = os.cpu_count() or 1
    try:
        time, period = Path(quota).read_text("utf-8").split()
    except (OSError, ValueError):
        return pinned
    if time == "max":
        return pinned
    return max(1, min(pinned, math.ceil(int(time) / int(period))))
