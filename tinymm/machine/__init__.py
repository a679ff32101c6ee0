"""The computer tinymm runs on: processor, BLAS and its kernels, how fast they are,
and what `tinymm doctor` says of them."""

from .blas_library import Blas, blas
from .cpu import Processor, processor, usable_cores
from .rates import bandwidth, gemm_rate
from .summary import describe, version

__all__ = ["Blas", "Processor", "bandwidth", "blas", "describe", "gemm_rate", "processor", "usable_cores", "version"]
