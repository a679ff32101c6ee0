"""NumPy's BLAS: which library multiplies its matrices, with which kernels, on how many threads."""

from dataclasses import dataclass

import numpy as np

from ..extras import need

__all__ = ["KERNELS", "Blas", "blas"]

# OpenBLAS's names for its sets of kernels -> the instructions they use; sets that are not listed are older than AVX2
KERNELS = {"Haswell": "AVX2", "Zen": "AVX2", "SkylakeX": "AVX-512", "Cooperlake": "AVX-512",
           "Sapphirerapids": "AVX-512"}


@dataclass(frozen=True)
class Blas:
    """A BLAS library.

    Parameters
    ----------
    name, version : str
    bundled : bool
        Whether it came inside NumPy's wheel, with kernels for several processors, among which it chooses when loaded.
    kernels : str or None
        Its choice; None if there is no way to know.
    threads : int or None

    Examples
    --------
    >>> print(Blas("openblas", "0.3.31", True, "Haswell", 2))
    openblas 0.3.31, Haswell kernels (AVX2), 2 threads
    >>> print(Blas("openblas", "0.3.31", True, None, None))
    openblas 0.3.31, kernels unknown, threads unknown
    """

    name: str
    version: str
    bundled: bool
    kernels: str | None
    threads: int | None

    def __str__(self):
        vectors = f" ({KERNELS[self.kernels]})" if self.kernels in KERNELS else ""
        kernels = f"{self.kernels} kernels{vectors}" if self.kernels else "kernels unknown"
        threads = "threads unknown" if self.threads is None else f"{self.threads} thread{'s' * (self.threads != 1)}"
        return f"{self.name} {self.version}, {kernels}, {threads}"


def blas():
    """The BLAS of the NumPy that is loaded.

    Returns
    -------
    Blas
        Without threadpoolctl (extra `threads`), only what was known when NumPy was built: kernels and threads are None.

    Examples
    --------
    >>> blas().name != ""
    True
    """
    built = np.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {})
    name = built.get("name", "unknown")
    version = built.get("version", "")
    bundled = name == "scipy-openblas" and "DYNAMIC_ARCH" in built.get("openblas configuration", "")
    try:
        libraries = need("threadpoolctl", extra="threads", feature="ask the BLAS what it is").threadpool_info()
    except ImportError:
        return Blas(name, version, bundled, None, None)
    candidates = [library for library in libraries if library["user_api"] == "blas"]
    if bundled:     # SciPy and others may have brought a BLAS of their own
        candidates = [library for library in candidates if "numpy" in library["filepath"]]
    if not candidates:
        return Blas(name, version, bundled, None, None)
    found = candidates[0]
    return Blas(found["internal_api"], found["version"] or version, bundled, found.get("architecture"),
                found["num_threads"])
