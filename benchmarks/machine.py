"""Where a benchmark runs: the processor, the libraries and their versions, and how many threads each may use."""

import datetime
import importlib
import importlib.metadata
import os
import platform
from pathlib import Path

from tinymm.extras import need

__all__ = ["describe", "peer", "use_threads"]

PACKAGES = ("tinymm", "numpy", "scipy", "torch", "autograd", "mygrad")


def peer(module):
    """Another library to compare with, or None, with a line that says so, where it is not installed."""
    package = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        print(f"{package}: not installed, left out (python -m pip install \"tinymm[bench]\")")
        return None


def use_threads(n):
    """Give PyTorch, if it is there, and NumPy's BLAS n threads each."""
    need("threadpoolctl", extra="threads", feature="give every library the same number of threads").threadpool_limits(n)
    torch = peer("torch")
    if torch is not None:
        torch.set_num_threads(n)


def describe(threads=None):
    """What a reader of the figures must know: dict of str to str. No names of hosts or users."""
    found = {"date": datetime.date.today().isoformat(), "processor": processor(), "python": platform.python_version()}
    found.update((name, version(name)) for name in PACKAGES)
    found["BLAS of NumPy"] = blas()
    if threads is not None:
        found["threads"] = str(threads)
    return found


def processor():
    """Model, number of cores, and the widest vector instructions, where the system tells."""
    info = Path("/proc/cpuinfo")
    text = info.read_text() if info.exists() else ""
    fields = dict(line.replace("\t", "").split(":", 1) for line in text.splitlines() if ":" in line)
    flags = fields.get("flags", "").split()
    widest = next((name for flag, name in (("avx512f", "AVX-512"), ("avx2", "AVX2")) if flag in flags), "")
    parts = [fields.get("model name", platform.machine()).strip(), f"{os.cpu_count()} cores", widest]
    return ", ".join(part for part in parts if part)


def version(package):
    """The installed version, or 'absent'."""
    if package == "tinymm":  # not always installed: it may run from its folder
        return importlib.import_module("tinymm").__version__
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "absent"


def blas():
    """Which library, which version, for which processor its kernels are written, how many threads it uses.

    The kernels are chosen by the processor's name or by OPENBLAS_CORETYPE, and not always the best.
    """
    libraries = need("threadpoolctl", extra="threads", feature="ask the BLAS what it is").threadpool_info()
    return "; ".join(f"{lib['internal_api']} {lib['version']}, {lib.get('architecture', 'unknown')} kernels, "
                     f"{lib['num_threads']} threads" for lib in libraries
                     if lib["user_api"] == "blas" and "numpy" in lib["filepath"]) or "unknown"
