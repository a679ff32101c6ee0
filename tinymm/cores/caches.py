"""How large the caches of a core are, as the operating system says."""

from functools import cache
from pathlib import Path

__all__ = ["cache_bytes", "second_level"]

USUAL = 2**20  # bytes of a second level that the system does not tell of
FOLDER = Path("/sys/devices/system/cpu/cpu0/cache")  # Linux
UNITS = {"K": 2**10, "M": 2**20, "G": 2**30}


def cache_bytes(folder=FOLDER):
    """The caches of data of the first core by level, {1: bytes, 2: bytes, ...}; empty where the system does not tell.

    Examples
    --------
    >>> cache_bytes(Path("nowhere"))
    {}
    """
    found = {}
    for index in sorted(Path(folder).glob("index*")):
        try:
            level, kind, size = ((index / name).read_text().strip() for name in ("level", "type", "size"))
            if kind in ("Data", "Unified"):
                found[int(level)] = int(size[:-1]) * UNITS[size[-1]]
        except (OSError, ValueError, KeyError, IndexError):
            continue  # a file that is not there, or not as expected
    return found


@cache
def second_level():
    """Bytes of a core's second-level cache; the usual, where the system does not tell."""
    return cache_bytes().get(2, USUAL)
