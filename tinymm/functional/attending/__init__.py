"""Attention in every form: scores, weights, sums; the same in one op; hard, local, linear; masks and distances.

`steps` is where to begin. All of them take NumPy arrays and Tensors alike, as everywhere in `functional`.
"""

from . import (
    estimators, fused, hard, kernels, local, positions, product, products, rotary, scores, shared_heads, steps, tiled,
    visibility,
)
from .estimators import *
from .fused import *
from .hard import *
from .kernels import *
from .local import *
from .positions import *
from .product import *
from .products import *
from .rotary import *
from .scores import *
from .shared_heads import *
from .steps import *
from .tiled import *
from .visibility import *

__all__ = [
    *estimators.__all__, *fused.__all__, *hard.__all__, *kernels.__all__, *local.__all__, *positions.__all__,
    *product.__all__, *products.__all__, *rotary.__all__, *scores.__all__, *shared_heads.__all__, *steps.__all__,
    *tiled.__all__, *visibility.__all__,
]
