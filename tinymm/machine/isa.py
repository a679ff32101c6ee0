"""Run as on a processor without AVX-512, which most processors are: what `--isa avx2` sets, and what came of it.

Each library chooses its vector instructions when it is loaded, and each has an environment variable that limits the
choice. So they are set for a child process, which does the work.
"""

import os
import subprocess

from numpy._core import _multiarray_umath as built

from .cpu import processor
from .kernels import CHOSEN, VARIABLE

__all__ = ["ASKED", "asked", "exit_status", "limited", "vectors_of_numpy", "vectors_of_torch"]

ASKED = "TINYMM_ISA"  # set for the child, so that it knows
DISABLED = "NPY_DISABLE_CPU_FEATURES"
# Each library's own words for "AVX2 at most"; oneDNN and MKL work inside PyTorch.
AVX2 = {VARIABLE: "Haswell", "ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2"}


def limited(isa, environment=os.environ):
    """The environment of a process whose libraries use no more than these instructions.

    Parameters
    ----------
    isa : str
        "avx2" is the only one there is.
    environment : mapping of str to str
        What it is made from: all else stays. On a processor without AVX-512 nothing needs to be limited.

    Returns
    -------
    dict of str to str

    Raises
    ------
    ValueError
        If the isa is unknown, the processor does not have AVX2, or NPY_ENABLE_CPU_FEATURES is set, beside which NumPy
        refuses to have features disabled.
    """
    if isa != "avx2":
        raise ValueError(f"--isa: must be avx2; got {isa!r}")
    features = built.__cpu_features__
    if not (features.get("AVX2") and features.get("FMA3")):
        raise ValueError(f"--isa avx2: the processor must have AVX2 and FMA; got {processor().model}")
    if "NPY_ENABLE_CPU_FEATURES" in environment:
        raise ValueError(f"--isa avx2: sets {DISABLED}, which NumPy refuses beside NPY_ENABLE_CPU_FEATURES; unset that")
    found = {name: value for name, value in environment.items() if name != CHOSEN} | {ASKED: isa}
    wider = [name for name in vectors_of_numpy() if name.startswith(("AVX512", "X86_V4"))]
    if not wider and not any(features[name] for name in features if name.startswith("AVX512")):
        return found
    before = environment.get(DISABLED, "").replace(",", " ").split()
    return found | AVX2 | {DISABLED: " ".join(dict.fromkeys([*before, *wider]))}


def asked(environment=os.environ):
    """What `limited` has set: dict of str to str; empty if the process was not asked to limit itself.

    Examples
    --------
    >>> asked({"TINYMM_ISA": "avx2", "OPENBLAS_CORETYPE": "Haswell", "HOME": "/"})
    {'TINYMM_ISA': 'avx2', 'OPENBLAS_CORETYPE': 'Haswell'}
    >>> asked({"OPENBLAS_CORETYPE": "Haswell"})
    {}
    """
    if ASKED not in environment:
        return {}
    return {name: environment[name] for name in (ASKED, DISABLED, *AVX2) if name in environment}


def vectors_of_numpy():
    """The sets of instructions, beyond those it always needs, that NumPy has code for and uses here: list of str."""
    return [name for name in built.__cpu_dispatch__ if built.__cpu_features__[name]]


def vectors_of_torch():
    """What PyTorch calls the instructions that it uses here, "AVX2" say; or "absent"."""
    try:
        import torch
    except ImportError:
        return "absent"
    return torch.backends.cpu.get_cpu_capability()


def exit_status(command, environment):
    """The command's exit status; after Ctrl-C no process of it is left, not even one that nobody has waited for."""
    process = subprocess.Popen(command, env=environment)
    try:
        return process.wait()  # which gives it a quarter of a second to end by itself after Ctrl-C
    finally:
        process.kill()
        process.wait()
