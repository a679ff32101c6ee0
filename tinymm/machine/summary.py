"""What a reader of figures must know of where they were measured; no names of hosts or users."""

import importlib.metadata
import os
import platform

from .._version import __version__
from .blas_library import blas
from .cpu import processor, usable_cores
from .kernels import VARIABLE, chosen

__all__ = ["describe", "version"]


def describe(packages=("numpy", "scipy")):
    """Processor, versions and BLAS, in words.

    Parameters
    ----------
    packages : sequence of str
        Whose versions to tell, besides Python's and tinymm's.

    Returns
    -------
    dict of str to str

    Examples
    --------
    >>> list(describe())
    ['processor', 'python', 'tinymm', 'numpy', 'scipy', 'BLAS of NumPy']
    """
    chip, cores, usable = processor(), os.cpu_count() or 1, usable_cores()
    counted = f"{cores} cores" if usable == cores else f"{usable} of its {cores} cores"
    found = {"processor": ", ".join(part for part in (chip.model, counted, chip.vectors) if part),
             "python": platform.python_version(), "tinymm": __version__}
    ours = f" ({VARIABLE} set by tinymm)" if chosen() else ""
    return found | {name: version(name) for name in packages} | {"BLAS of NumPy": f"{blas()}{ours}"}


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
