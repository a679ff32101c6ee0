"""The computer tinymm runs on: its processor, its BLAS, how fast they are, and what `tinymm doctor` says about them."""

from .blas_library import Blas, blas
from .cpu import Processor, processor, usable_cores
from .memory import keep_memory
from .rates import bandwidth, gemm_rate
from .summary import describe, version

__all__ = ["Blas", "Processor", "bandwidth", "blas", "describe", "gemm_rate", "keep_memory", "processor",
           "usable_cores", "version"]
