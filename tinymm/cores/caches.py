"""The caches of a core, as the operating system tells of them."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["Cache", "caches", "second_level"]

UNITS = {"K": 2**10, "M": 2**20, "G": 2**30}  # of the sizes of caches
USUAL = 2**20  # bytes of a second level that the system does not tell of


@dataclass(frozen=True)
class Cache:
    """A cache of data.

    Parameters
    ----------
    level : int
        1 is nearest to the core.
    size : int
        Bytes.
    cores : int
        That share it.

    Examples
    --------
    >>> [str(cache) for cache in (Cache(1, 48 * 2**10, 1), Cache(3, 2**25, 8))]
    ['L1 48 KB', 'L3 32 MB for 8 cores']
    """

    level: int
    size: int
    cores: int

    def __str__(self):
        size = f"{self.size / 2**20:g} MB" if self.size >= 2**20 else f"{self.size / 2**10:g} KB"
        return f"L{self.level} {size}" + (f" for {self.cores} cores" if self.cores > 1 else "")


def caches(folder="/sys/devices/system/cpu/cpu0/cache"):
    """The caches of data that core 0 has, as the system tells.

    Parameters
    ----------
    folder : str or Path
        Linux's, with a folder for each cache.

    Returns
    -------
    list of Cache
        The nearest first; empty where the system does not tell.

    Examples
    --------
    >>> caches("/no/such/folder")
    []
    """
    found = []
    for place in Path(folder).glob("index*"):
        try:
            level, kind, size, sharing = ((place / name).read_text("utf-8").strip()
                                          for name in ("level", "type", "size", "shared_cpu_list"))
            if kind != "Instruction":
                found.append(Cache(int(level), int(size[:-1]) * UNITS[size[-1]], _listed(sharing)))
        except (OSError, ValueError, KeyError, IndexError):
            continue                                                    # one that is told otherwise is left out
    return sorted(found, key=lambda cache: cache.level)


def _listed(numbers):
    """How many cores a list such as "0-3,8" names.

    Examples
    --------
    >>> _listed("0-3,8")
    5
    """
    bounds = [part.split("-") for part in numbers.split(",")]
    return sum(int(pair[-1]) - int(pair[0]) + 1 for pair in bounds)


@cache
def second_level():
    """Bytes of a core's cache of the second level; the usual, where the system does not tell.

    Examples
    --------
    >>> second_level() > 0
    True
    """
    return next((cache.size for cache in caches() if cache.level == 2), USUAL)
