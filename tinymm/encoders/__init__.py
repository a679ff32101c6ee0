"""Each modality to a feature sequence (B, N, D)."""

from .audio import AudioRecurrent, AudioTransformer, ConvSubsampling
from .image import ConvEncoder
from .text import CausalLSTM, CausalTransformer

__all__ = ["AudioRecurrent", "AudioTransformer", "CausalLSTM", "CausalTransformer", "ConvEncoder", "ConvSubsampling"]
