"""Several modalities to one representation: `fusion(inputs, masks=None, present=None)` → `Fused`."""

from . import attention, balance, classifier, fused
from .attention import *
from .balance import *
from .classifier import *
from .fused import Fused

__all__ = ["Fused", *attention.__all__, *balance.__all__, *classifier.__all__]
