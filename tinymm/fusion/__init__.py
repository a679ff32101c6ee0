"""Several modalities to one representation: `fusion(inputs, masks=None, present=None)` → `Fused`.

By what enters: vectors (`dual_stream`, `gating`, `gated_unit`, `film`, `tensors`, `bilinear`), decisions (`late`, which
also says what early, intermediate and late mean here), sequences (all others). `positions` makes fusions of sequences
out of fusions of vectors, `missing` wraps any, for modalities that are absent; `classifier` puts encoders below and
scores above; `balance` asks who learns, `shown` who looked at what.
"""

from . import (
    attention, balance, bilinear, bottleneck, causal_co_attention, channels, classifier, co_attention,
    co_attention_block, dual_stream, early, film, fused, gated, gated_unit, gating, glimpses, hard, intermediate, late,
    missing, mult, over_time, perceiver, positions, prefix, querying, shown, tensors,
)
from .attention import *
from .balance import *
from .bilinear import *
from .bottleneck import *
from .causal_co_attention import *
from .channels import *
from .classifier import *
from .co_attention import *
from .co_attention_block import *
from .dual_stream import *
from .early import *
from .film import *
from .fused import Fused
from .gated import *
from .gated_unit import *
from .gating import *
from .glimpses import *
from .hard import *
from .intermediate import *
from .late import *
from .missing import *
from .mult import *
from .over_time import *
from .perceiver import *
from .positions import *
from .prefix import *
from .querying import *
from .shown import *
from .tensors import *

__all__ = [
    "Fused", *attention.__all__, *balance.__all__, *bilinear.__all__, *bottleneck.__all__,
    *causal_co_attention.__all__, *channels.__all__, *classifier.__all__, *co_attention.__all__,
    *co_attention_block.__all__, *dual_stream.__all__, *early.__all__, *film.__all__, *gated.__all__,
    *gated_unit.__all__, *gating.__all__, *glimpses.__all__, *hard.__all__, *intermediate.__all__, *late.__all__,
    *missing.__all__, *mult.__all__, *over_time.__all__, *perceiver.__all__, *positions.__all__,
    *prefix.__all__, *querying.__all__, *shown.__all__, *tensors.__all__,
]
