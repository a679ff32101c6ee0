"""Several modalities to one representation: `fusion(inputs, masks=None, present=None)` → `Fused`."""

from . import attention, balance, classifier, fused, hard
from .attention import *
from .balance import *
from .classifier import *
from .fused import Fused
from .hard import *

__all__ = ["Fused", *attention.__all__, *balance.__all__, *classifier.__all__, *hard.__all__]
