"""NumPy's BLAS: which library multiplies its matrices, with which kernels, on how many threads."""

from dataclasses import dataclass

import numpy as np

from ..extras import need

__all__ = ["KERNELS", "Blas", "blas"]

# OpenBLAS's names for its sets of kernels -> the instructions they use; others are older than AVX2.
KERNELS = {"Haswell": "AVX2", "Zen": "AVX2", "SkylakeX": "AVX-512", "Cooperlake": "AVX-512",
           "Sapphirerapids": "AVX-512"}


@dataclass(frozen=True)
class Blas:
    """One library.

    Parameters
    ----------
    name, version : str
    bundled : bool
        It came inside NumPy's wheel, with kernels for several processors, of which it chooses when it is loaded.
    kernels : str or None
        What it chose; None if there is no way to know.
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
        Without threadpoolctl (extra `threads`), only what NumPy knows since it was built: kernels and threads are None.

    Examples
    --------
    >>> blas().name != ""
    True
    """
    built = np.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {})
    name, version = built.get("name", "unknown"), built.get("version", "")
    bundled = name == "scipy-openblas" and "DYNAMIC_ARCH" in built.get("openblas configuration", "")
    try:
        libraries = need("threadpoolctl", extra="threads", feature="ask the BLAS what it is").threadpool_info()
    except ImportError:
        return Blas(name, version, bundled, None, None)
    libraries = [one for one in libraries if one["user_api"] == "blas"]
    # SciPy, and other libraries, may have brought one of their own
    own = [one for one in libraries if "numpy" in one["filepath"]] if bundled else libraries[:1]
    if not own:
        return Blas(name, version, bundled, None, None)
    found = own[0]
    return Blas(found["internal_api"], found["version"] or version, bundled, found.get("architecture"),
                found["num_threads"])
