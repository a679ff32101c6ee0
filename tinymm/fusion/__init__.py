"""Several modalities to one representation: `fusion(inputs, masks=None, present=None)` → `Fused`."""

from . import (attention, bottleneck, causal_co_attention, channels, co_attention, co_attention_block, early, fused,
               gated, intermediate, mult, perceiver, prefix, querying)
from .attention import *
from .bottleneck import *
from .causal_co_attention import *
from .channels import *
from .co_attention import *
from .co_attention_block import *
from .early import *
from .fused import Fused
from .gated import *
from .intermediate import *
from .mult import *
from .perceiver import *
from .prefix import *
from .querying import *

__all__ = ["Fused", *attention.__all__, *bottleneck.__all__, *causal_co_attention.__all__, *channels.__all__,
           *co_attention.__all__, *co_attention_block.__all__, *early.__all__, *gated.__all__, *intermediate.__all__,
           *mult.__all__, *perceiver.__all__, *prefix.__all__, *querying.__all__]
