"""Several modalities to one representation: `fusion(inputs, masks=None, present=None)` → `Fused`."""

from . import attention, classifier, fused
from .attention import *
from .classifier import *
from .fused import Fused

__all__ = ["Fused", *attention.__all__, *classifier.__all__]
