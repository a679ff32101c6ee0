"""OpenBLAS's kernels: where it chose slower ones than the processor can run, and how the `tinymm` command mends that.

OpenBLAS brings kernels for several processors. When NumPy loads it, it chooses by the environment variable
OPENBLAS_CORETYPE or, where that is not set, by the processor's name. A processor whose name it does not know yet gets
older kernels; then the variable is worth setting. It must be set before NumPy is loaded: before the program starts, or
by starting the program again.
"""

import os
import sys

from .blas_library import KERNELS, blas
from .cpu import AVX512, processor

__all__ = ["CHOSEN", "VARIABLE", "better_kernels", "chosen", "start_with_better_kernels"]

VARIABLE = "OPENBLAS_CORETYPE"
# A user sets it (to "off", say) to keep the command from starting again; the command sets it to the kernels it chose.
CHOSEN = "TINYMM_CORETYPE"
AVX512_KERNELS = "SkylakeX"  # the only kernels in NumPy's wheels that use AVX-512


def better_kernels(chip, library):
    """The kernels that OpenBLAS should have chosen, or None if there is nothing to mend.

    Parameters
    ----------
    chip : Processor
    library : Blas

    Returns
    -------
    str or None
        A value for OPENBLAS_CORETYPE. Only for the OpenBLAS inside NumPy's own wheels, whose kernels are known. If
        its choice is not known, only for AMD's processors with AVX-512, which it has failed to recognise before.

    Examples
    --------
    >>> from tinymm.machine import Blas, Processor
    >>> chip = Processor("Example 9000", "AuthenticAMD", AVX512)
    >>> better_kernels(chip, Blas("openblas", "0.3.31", True, "Haswell", 2))
    'SkylakeX'
    >>> better_kernels(chip, Blas("openblas", "0.3.31", True, "SkylakeX", 2))
    """
    if not library.bundled or not chip.flags >= AVX512:
        return None
    if library.kernels is None:
        return AVX512_KERNELS if chip.vendor == "AuthenticAMD" else None
    return None if KERNELS.get(library.kernels) == "AVX-512" else AVX512_KERNELS


def chosen(environment=os.environ):
    """The kernels that the `tinymm` command set OPENBLAS_CORETYPE to, or None if it did not.

    Examples
    --------
    >>> chosen({"OPENBLAS_CORETYPE": "SkylakeX", "TINYMM_CORETYPE": "SkylakeX"})
    'SkylakeX'
    >>> chosen({"OPENBLAS_CORETYPE": "Haswell"})
    """
    value = environment.get(CHOSEN)
    return value if value is not None and value == environment.get(VARIABLE) else None


def start_with_better_kernels():
    """Start this program again with OPENBLAS_CORETYPE set, if that gives it better kernels.

    Nothing happens if OPENBLAS_CORETYPE or TINYMM_CORETYPE is set. Otherwise the new program replaces the old one in
    the same process, with the same arguments and open files: whoever waits for it or interrupts it sees no difference.
    """
    if VARIABLE in os.environ or CHOSEN in os.environ:
        if chosen():
            print(f"tinymm: {VARIABLE}={chosen()}, kernels that use this processor's AVX-512 "
                  f"({CHOSEN}=off leaves OpenBLAS its choice)", file=sys.stderr)
        return
    better = better_kernels(processor(), blas())
    if better and sys.executable:
        try:
            for stream in filter(None, (sys.stdout, sys.stderr)):
                stream.flush()
            os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]],
                      os.environ | {VARIABLE: better, CHOSEN: better})
        except OSError:
            pass  # slower, not wrong
