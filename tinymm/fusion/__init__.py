"""Several modalities to one representation: `fusion(inputs, masks=None, present=None)` → `Fused`.

By what enters: vectors (`dual_stream`, `gating`, `gated_unit`, `film`, `tensors`, `bilinear`), sequences (`attention`,
`positions`), decisions (`late`, which also says what early, intermediate and late mean here). `missing` wraps any of
them, for modalities that are absent. `classifier` puts encoders below and scores above; `balance` asks who learns.
"""

from . import (
    attention, balance, bilinear, classifier, dual_stream, film, fused, gated_unit, gating, hard, late, missing,
    positions, tensors,
)
from .attention import *
from .balance import *
from .bilinear import *
from .classifier import *
from .dual_stream import *
from .film import *
from .fused import Fused
from .gated_unit import *
from .gating import *
from .hard import *
from .late import *
from .missing import *
from .positions import *
from .tensors import *

__all__ = [
    "Fused", *attention.__all__, *balance.__all__, *bilinear.__all__, *classifier.__all__, *dual_stream.__all__,
    *film.__all__, *gated_unit.__all__, *gating.__all__, *hard.__all__, *late.__all__, *missing.__all__,
    *positions.__all__, *tensors.__all__,
]
