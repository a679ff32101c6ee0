"""Several modalities to one representation: `fusion(inputs, masks=None, present=None)` → `Fused`."""

from .attention import AttentionFusion
from .fused import Fused

__all__ = ["AttentionFusion", "Fused"]
