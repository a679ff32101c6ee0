"""Several modalities to one representation."""

from .attention import AttentionFusion

__all__ = ["AttentionFusion"]
