"""Each modality to a feature sequence (B, N, D)."""

from .audio import AudioRecurrent, AudioTransformer, ConvSubsampling
from .image import ConvEncoder
from .over_time import max_over_time, mean_over_time
from .text import BagOfWords, CausalLSTM, CausalTransformer, TextCNN, TextRNN, TextTransformer

__all__ = [
    "AudioRecurrent", "AudioTransformer", "BagOfWords", "CausalLSTM", "CausalTransformer", "ConvEncoder", "ConvSubsampling",
    "TextCNN", "TextRNN", "TextTransformer", "max_over_time", "mean_over_time",
]
