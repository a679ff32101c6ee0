"""What a reader of measured figures must know about the machine; no names of hosts or users."""

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
        Whose versions to give, besides Python's and tinymm's.

    Returns
    -------
    dict of str to str

    Examples
    --------
    >>> list(describe())
    ['processor', 'python', 'tinymm', 'numpy', 'scipy', 'BLAS of NumPy']
    """
    chip = processor()
    cores = os.cpu_count() or 1
    usable = usable_cores()
    cores_in_words = f"{cores} cores" if usable == cores else f"{usable} of its {cores} cores"
    set_by_tinymm = f" ({VARIABLE} set by tinymm)" if chosen() else ""
    return {"processor": ", ".join(part for part in (chip.model, cores_in_words, chip.vectors) if part),
            "python": platform.python_version(),
            "tinymm": __version__,
            **{name: version(name) for name in packages},
            "BLAS of NumPy": f"{blas()}{set_by_tinymm}"}


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
