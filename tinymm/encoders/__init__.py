"""Each modality to a feature sequence (B, N, D)."""

from .image import ConvEncoder
from .text import CausalLSTM, CausalTransformer

__all__ = ["CausalLSTM", "CausalTransformer", "ConvEncoder"]
