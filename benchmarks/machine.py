"""Where a benchmark runs: the processor, the libraries and their versions, and how many threads each may use."""

import datetime
import importlib

from tinymm import machine
from tinymm.extras import need
from tinymm.machine.isa import vectors_of_torch

__all__ = ["describe", "peer", "use_threads"]

PACKAGES = ("numpy", "scipy", "torch", "autograd", "mygrad", "jax", "onnxruntime")


def peer(module):
    """Another library to compare with; or None, and a line that says so, if it is not installed."""
    package = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        print(f"{package}: not installed, left out (python -m pip install \"tinymm[bench]\")")
        return None


def use_threads(n):
    """Give PyTorch, if it is there, and NumPy's BLAS n threads each; and keep memory, as the `tinymm` command does."""
    machine.keep_memory()
    need("threadpoolctl", extra="threads", feature="give every library the same number of threads").threadpool_limits(n)
    torch = peer("torch")
    if torch is not None:
        torch.set_num_threads(n)


def describe(threads=None):
    """What a reader of the figures must know: dict of str to str."""
    found = {"date": datetime.date.today().isoformat(), **machine.describe(PACKAGES),
             "vectors of PyTorch": vectors_of_torch()}
    return found if threads is None else found | {"threads": str(threads)}
