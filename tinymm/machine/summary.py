"""What a reader of measured figures must know about the machine; no names of hosts or users."""

import importlib.metadata
import os
import platform

from .._version import __version__
from .blas_library import blas
from ..cores.caches import caches
from .cpu import processor, usable_cores
from .isa import asked, vectors_of_numpy
from .kernels import VARIABLE, chosen

__all__ = ["describe", "version"]


def describe(packages=("numpy", "scipy")):
    """Processor, caches, versions, instructions and BLAS, in words; and what limits the instructions, if anything does.

    Parameters
    ----------
    packages : sequence of str
        Whose versions to give, besides Python's and tinymm's.

    Returns
    -------
    dict of str to str

    Examples
    --------
    >>> list(describe())
    ['processor', 'caches', 'python', 'tinymm', 'numpy', 'scipy', 'vectors of NumPy', 'BLAS of NumPy']
    """
    chip = processor()
    cores = os.cpu_count() or 1
    usable = usable_cores()
    cores_in_words = f"{cores} cores" if usable == cores else f"{usable} of its {cores} cores"
    set_by_tinymm = f" ({VARIABLE} set by tinymm)" if chosen() else ""
    limits = ", ".join(f"{name}={value}" for name, value in asked().items())
    return {"processor": ", ".join(part for part in (chip.model, cores_in_words, chip.vectors) if part),
            "caches": ", ".join(map(str, caches())) or "unknown",
            "python": platform.python_version(),
            "tinymm": __version__,
            **{name: version(name) for name in packages},
            "vectors of NumPy": ", ".join(vectors_of_numpy()) or "those it always needs",
            "BLAS of NumPy": f"{blas()}{set_by_tinymm}",
            **({"limited by": limits} if limits else {})}


def version(package):
    """The installed version of a package, or 'absent'.

    Examples
    --------
    >>> version("no such package")
    'absent'
    """
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "absent"
