r"""Bilinear pooling, article 3.1.3: every feature of one modality times every feature of the other.

$$z_k = \sum_{ij} W_{kij}\, x_i\, y_j$$

has D·D₁·D₂ weights. `full` is the formula; the others are ways to have fewer: factors of low rank (`mlb`, `mfb`), a
small core between projections (`mutan`), blocks of such cores (`block`), random sketches (`mcb`).
"""

from . import block, full, mcb, mfb, mlb, mutan
from .block import *
from .full import *
from .mcb import *
from .mfb import *
from .mlb import *
from .mutan import *

__all__ = [*block.__all__, *full.__all__, *mcb.__all__, *mfb.__all__, *mlb.__all__, *mutan.__all__]
