"""Several modalities to one representation: `fusion(inputs, masks=None, present=None)` → `Fused`."""

from . import attention, fused
from .attention import *
from .fused import Fused

__all__ = ["Fused", *attention.__all__]
